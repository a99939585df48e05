package pages

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// RFC 6749 §10.12

// FormKey authenticates form tokens.
type FormKey []byte

// FormClaim is what a form token vouches for.
type FormClaim struct {
	// Purpose keeps forms apart: "login" or "consent".
	Purpose string
	// Browser is the digest of the cookie that the form was made for.
	Browser string
	// Request is the digest of the authorization request it belongs to.
	Request string
	// ID is single-use: the id of the grant that an allowed consent creates. It
	// has no dot in it.
	ID string
}

// Issue makes the token of a form, good until expires: expiry, id and MAC.
func (k FormKey) Issue(claim FormClaim, expires time.Time) oauth.Secret {
	end := strconv.FormatInt(expires.Unix(), 10)
	return oauth.NewSecret(end + "." + claim.ID + "." + k.mac(claim, end))
}

// Check verifies a submitted token against what it must vouch for (ID is taken
// from the token) and gives the ID back.
func (k FormKey) Check(token oauth.Secret, want FormClaim, now time.Time) (id string, ok bool) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return "", false
	}
	want.ID = parts[1]
	if !hmac.Equal([]byte(parts[2]), []byte(k.mac(want, parts[0]))) {
		return "", false
	}
	end, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || now.Unix() >= end {
		return "", false
	}
	return want.ID, true
}

func (k FormKey) mac(claim FormClaim, end string) string {
	mac := hmac.New(sha256.New, k)
	for _, part := range []string{"form", claim.Purpose, claim.Browser, claim.Request, claim.ID, end} {
		// The length in front keeps two lists of parts from reading the same.
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
