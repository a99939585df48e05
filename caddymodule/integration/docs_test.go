package integration

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documents are the texts whose every command and Caddyfile is run.
func documents(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	return append(paths, filepath.Join(repository, "README.md"))
}

// blocks gives the fenced blocks of a language in a document.
func blocks(t *testing.T, path, language string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
		out = append(out, match[1])
	}
	return out
}

func TestEveryCaddyfileOfTheDocumentsIsValidAndFormatted(t *testing.T) {
	home, secrets := t.TempDir(), documentedFiles(t)
	count := 0
	for _, path := range documents(t) {
		for _, block := range blocks(t, path, "caddyfile") {
			count++
			checkCaddyfile(t, home, filepath.Base(path), strings.ReplaceAll(block, "/run/secrets", secrets))
		}
	}
	example, err := os.ReadFile(filepath.Join(repository, "Caddyfile.example"))
	if err != nil {
		t.Fatal(err)
	}
	checkCaddyfile(t, home, "Caddyfile.example", string(example))
	if count < 15 {
		t.Errorf("found only %d Caddyfiles: is the fence still called caddyfile?", count)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "*", "oauth2", "*")); len(left) > 0 {
		t.Errorf("caddy validate left files behind: %v", left)
	}
}

func checkCaddyfile(t *testing.T, home, name, caddyfile string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(path, []byte(caddyfile), 0o600); err != nil {
		t.Fatal(err)
	}
	validate := command(t, home, "validate", "--adapter", "caddyfile", "--config", path)
	validate.Env = append(validate.Env, "ORDERS_SECRET=0123456789abcdef", "GATEWAY_SECRET=0123456789abcdef", "WEB_SECRET=0123456789abcdef", "CORP_SECRET=0123456789abcdef",
		"DATABASE_URL=postgres://oauth2:secret@localhost/oauth2")
	if out, err := validate.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%s", name, err, caddyfile, out)
	}
	if out, err := command(t, home, "fmt", "--diff", path).CombinedOutput(); err != nil || regexp.MustCompile(`(?m)^[-+]`).Match(out) {
		t.Errorf("%s is not formatted as caddy fmt would: %v\n%s", name, err, out)
	}
}

func TestTheExampleListensOnLoopbackOnly(t *testing.T) {
	out, err := command(t, t.TempDir(), "adapt", "--adapter", "caddyfile", "--config", "Caddyfile.example").Output()
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Admin json.RawMessage `json:"admin"` // absent: Caddy's default, localhost:2019
		Apps  struct {
			HTTP struct {
				Servers map[string]struct {
					Listen []string `json:"listen"`
				} `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(out, &config); err != nil {
		t.Fatal(err)
	}
	if config.Admin != nil || len(config.Apps.HTTP.Servers) != 3 {
		t.Errorf("admin is %s, and there are %d servers", config.Admin, len(config.Apps.HTTP.Servers))
	}
	for name, server := range config.Apps.HTTP.Servers {
		if len(server.Listen) != 2 {
			t.Errorf("%s listens on %v", name, server.Listen)
		}
		for _, address := range server.Listen {
			if host, _, err := net.SplitHostPort(address); err != nil || host != "127.0.0.1" && host != "::1" {
				t.Errorf("%s listens on %s", name, address)
			}
		}
	}
}

func TestTheExampleBeginsByWarningOfItsCredentials(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(repository, "Caddyfile.example"))
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(example), "\n"); !strings.Contains(first, "Demo credentials for loopback") {
		t.Errorf("the first line is %q", first)
	}
}

// What stands first on PATH decides whether xcaddy is installed. The builds leave
// -trimpath out, so that they share the packages of the other builds.
func TestXcaddySh(t *testing.T) {
	checkout := t.TempDir()
	if out, err := exec.Command("git", "-C", repository, "ls-files", "-co", "--exclude-standard").Output(); err != nil {
		t.Fatal(err)
	} else {
		for name := range strings.FieldsSeq(string(out)) {
			copyFile(t, filepath.Join(repository, name), filepath.Join(checkout, name))
		}
	}
	buildFlags := "-ldflags=-w"
	run := func(path string, args ...string) string {
		cmd := exec.Command("./xcaddy.sh", args...)
		cmd.Dir = checkout
		cmd.Env = append(os.Environ(), "PATH="+path, "XCADDY_GO_BUILD_FLAGS="+buildFlags)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("xcaddy.sh %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	modules := func() string {
		out, err := exec.Command(filepath.Join(checkout, "caddy"), "list-modules").CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		return string(out)
	}

	// Without xcaddy: go build, and it says so.
	if out := run(withoutXcaddy(t)); !strings.Contains(out, "go build") {
		t.Errorf("it does not say how it builds: %s", out)
	}
	for _, id := range []string{"oauth2", "http.handlers.oauth2_server", "http.handlers.bearer_auth", "oauth2.storage.sqlite", "oauth2.authentication.file"} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(id) + `$`).MatchString(modules()) {
			t.Errorf("%s is not linked in", id)
		}
	}

	// One module more, from a folder, as a stranger would write it.
	extra := filepath.Join(t.TempDir(), "extra")
	writeFile(t, filepath.Join(extra, "go.mod"), "module example.com/extra\n\ngo 1.26\n\nrequire github.com/caddyserver/caddy/v2 v2.11.9\n")
	writeFile(t, filepath.Join(extra, "extra.go"), `package extra

import "github.com/caddyserver/caddy/v2"

func init() { caddy.RegisterModule(App{}) }

type App struct{}

func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "extra_for_the_test", New: func() caddy.Module { return new(App) }}
}

func (App) Start() error { return nil }
func (App) Stop() error  { return nil }
`)
	run(withoutXcaddy(t), "--with", "example.com/extra="+extra)
	if list := modules(); !strings.Contains(list, "extra_for_the_test") || !strings.Contains(list, "http.handlers.bearer_auth") {
		t.Error("a module given by --with is not linked in beside ours")
	}

	// The flags are those of xcaddy.
	buildFlags = ""
	if got, want := run(recorder(t, "go")+withoutXcaddy(t)), "build -trimpath -ldflags=-w -s -tags nobadger,nomysql,nopgx -o ./caddy ./cmd/caddy"; !strings.HasSuffix(strings.TrimSpace(got), want) {
		t.Errorf("go got\n%s\nwant\n%s", got, want)
	}

	// With xcaddy: exactly the command line that it wants.
	args := run(recorder(t, "xcaddy")+withoutXcaddy(t), "--with", "github.com/caddy-dns/cloudflare")
	module := "github.com/caddy-oauth2/caddy-oauth2"
	resolved, err := filepath.EvalSymlinks(checkout)
	if err != nil {
		t.Fatal(err)
	}
	want := "build v2.11.9 --output ./caddy --with " + module + "/caddymodule --replace " + module + "=" + resolved + " --with github.com/caddy-dns/cloudflare"
	if !strings.HasSuffix(strings.TrimSpace(args), want) {
		t.Errorf("xcaddy got\n%s\nwant\n%s", args, want)
	}
}

// recorder is a program of a name that prints its arguments, as the first part
// of a PATH.
func recorder(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, name), "#!/bin/sh\necho \"$@\"\n")
	if err := os.Chmod(filepath.Join(dir, name), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir + string(os.PathListSeparator)
}

// withoutXcaddy is PATH without the folders that have an xcaddy.
func withoutXcaddy(t *testing.T) string {
	t.Helper()
	var keep []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "xcaddy")); err != nil {
			keep = append(keep, dir)
		}
	}
	return strings.Join(keep, string(os.PathListSeparator))
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(content))
	if info, err := os.Stat(from); err == nil && info.Mode()&0o100 != 0 {
		if err := os.Chmod(to, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}
