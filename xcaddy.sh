#!/bin/sh
# Builds ./caddy with caddy-oauth2 from this checkout.
#
#   ./xcaddy.sh [--with MODULE[@VERSION][=REPLACEMENT]]...
#
# Uses xcaddy where it is installed. Otherwise it does what xcaddy does, with
# plain go build and the same flags (XCADDY_GO_BUILD_FLAGS replaces them, as
# with xcaddy): further modules go into a module of their own, so that the
# checkout stays as it is.
set -eu
cd "$(dirname "$0")"
module=github.com/caddy-oauth2/caddy-oauth2
tags=nobadger,nomysql,nopgx
flags=${XCADDY_GO_BUILD_FLAGS:-"-trimpath -ldflags=-w\ -s"}
export CGO_ENABLED=0

for word in "$@"; do
	case $word in
	-h | --help)
		sed -n '2,9s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	esac
done

if command -v xcaddy >/dev/null 2>&1; then
	version=$(go list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)
	echo "xcaddy.sh: building with xcaddy, Caddy $version" >&2
	exec xcaddy build "$version" --output ./caddy \
		--with "$module/caddymodule" --replace "$module=$PWD" "$@"
fi

echo "xcaddy.sh: xcaddy is not installed, building with go build and its flags" >&2
if [ $# -eq 0 ]; then
	eval exec go build "$flags" -tags "$tags" -o ./caddy ./cmd/caddy
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/main"
{
	echo 'package main'
	echo 'import ('
	echo 'caddycmd "github.com/caddyserver/caddy/v2/cmd"'
	echo '_ "github.com/caddyserver/caddy/v2/modules/standard"'
	echo "_ \"$module/caddymodule\""
} >"$work/main/main.go"
(
	cd "$work/main"
	go mod init caddy >/dev/null 2>&1
	# What the checkout resolves to holds here too.
	sed -n '/^require/,/^)/p' "$OLDPWD/go.mod" >>go.mod
	cp "$OLDPWD/go.sum" go.sum
	go mod edit -require "$module@v0.0.0" -replace "$module=$OLDPWD"
)
while [ $# -gt 0 ]; do
	if [ "$1" != --with ] || [ $# -lt 2 ]; then
		echo "xcaddy.sh: without xcaddy only --with MODULE is understood, not: $1" >&2
		exit 2
	fi
	spec=$2
	shift 2
	replacement=
	case $spec in *=*) replacement=${spec#*=} spec=${spec%%=*} ;; esac
	path=${spec%@*}
	echo "_ \"$path\"" >>"$work/main/main.go"
	(
		cd "$work/main"
		if [ -n "$replacement" ]; then
			case $replacement in ./* | ../*) replacement=$OLDPWD/$replacement ;; esac
			go mod edit -replace "$path=$replacement"
		else
			case $spec in *@*) go get "$spec" ;; *) go get "$spec@latest" ;; esac
		fi
	)
done
{
	echo ')'
	echo 'func main() { caddycmd.Main() }'
} >>"$work/main/main.go"
out=$PWD/caddy
cd "$work/main"
go mod tidy
eval go build "$flags" -tags "$tags" -o '"$out"' .
