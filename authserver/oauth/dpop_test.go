package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// The proofs of RFC 9449 §4.1 and §7.1, and the token of the latter.
const (
	rfc9449Header     = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
	rfc9449TokenProof = rfc9449Header + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ" +
		".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfc9449Proof = rfc9449Header + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9" +
		".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfc9449Token      = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	rfc9449Thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

// rfc9449Request is what the proof of §7.1 was made for.
func rfc9449Request() oauth.DPoPRequest {
	return oauth.DPoPRequest{
		Method: "GET", Target: "https://resource.example.org/protectedresource", Token: oauth.NewSecret(rfc9449Token),
		Thumbprint: rfc9449Thumbprint, Now: time.Unix(1562262618, 0), MaxAge: time.Minute, Leeway: 10 * time.Second,
	}
}

// judge parses, checks and verifies.
func judge(proof string, r oauth.DPoPRequest) error {
	parsed, err := oauth.ParseDPoPProof([]string{proof}, oauth.DPoPAlgorithms())
	if err != nil {
		return err
	}
	if err := parsed.Check(r); err != nil {
		return err
	}
	return parsed.Verify()
}

// wantProof wants err to be nil, or invalid_dpop_proof that says want.
func wantProof(t *testing.T, name string, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	var e *oauth.Error
	if !errors.As(err, &e) || e.Code != oauth.CodeInvalidDPoPProof || e.Status != http.StatusUnauthorized || !strings.Contains(e.Description, want) {
		t.Errorf("%s: %v; want one about %q", name, err, want)
	}
}

func TestRFC9449_TheProofsOfTheExamples(t *testing.T) {
	wantProof(t, "§7.1", judge(rfc9449Proof, rfc9449Request()), "")
	atToken := oauth.DPoPRequest{
		Method: "POST", Target: "https://server.example.com/token", Now: time.Unix(1562262616, 0), MaxAge: time.Minute,
	}
	wantProof(t, "§4.1", judge(rfc9449TokenProof, atToken), "")
	parsed, err := oauth.ParseDPoPProof([]string{rfc9449Proof}, oauth.DPoPAlgorithms())
	if err != nil || parsed.ID != "e1j3V_bKic8-LAEB" || parsed.Thumbprint != rfc9449Thumbprint || parsed.Nonce != "" {
		t.Errorf("%+v, %v", parsed, err)
	}
}

func TestG74_G75_G76_G78_AProofIsForOneRequest(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*oauth.DPoPRequest)
		want   string
	}{
		"another method":               {func(r *oauth.DPoPRequest) { r.Method = "POST" }, "htm"},
		"another case of the method":   {func(r *oauth.DPoPRequest) { r.Method = "get" }, "htm"},
		"another host":                 {func(r *oauth.DPoPRequest) { r.Target = "https://evil.example.org/protectedresource" }, "htu"},
		"another scheme":               {func(r *oauth.DPoPRequest) { r.Target = "http://resource.example.org/protectedresource" }, "htu"},
		"another path":                 {func(r *oauth.DPoPRequest) { r.Target += "/" }, "htu"},
		"another case of the path":     {func(r *oauth.DPoPRequest) { r.Target = "https://resource.example.org/ProtectedResource" }, "htu"},
		"a target that is none":        {func(r *oauth.DPoPRequest) { r.Target = "https://resource.example.org/%" }, "htu"},
		"another case of the host":     {func(r *oauth.DPoPRequest) { r.Target = "https://RESOURCE.example.org:443/protectedresource?q#f" }, ""},
		"10 s early":                   {func(r *oauth.DPoPRequest) { r.Now = r.Now.Add(-10 * time.Second) }, ""},
		"11 s early":                   {func(r *oauth.DPoPRequest) { r.Now = r.Now.Add(-11 * time.Second) }, "iat"},
		"10 s late":                    {func(r *oauth.DPoPRequest) { r.Now = r.Now.Add(10 * time.Second) }, ""},
		"70 s late":                    {func(r *oauth.DPoPRequest) { r.Now = r.Now.Add(70 * time.Second) }, ""},
		"71 s late":                    {func(r *oauth.DPoPRequest) { r.Now = r.Now.Add(71 * time.Second) }, "iat"},
		"an hour early":                {func(r *oauth.DPoPRequest) { r.Now = r.Now.Add(-time.Hour) }, "iat"},
		"an hour late":                 {func(r *oauth.DPoPRequest) { r.Now = r.Now.Add(time.Hour) }, "iat"},
		"another token":                {func(r *oauth.DPoPRequest) { r.Token = oauth.NewSecret("x") }, "ath"},
		"a token bound to another key": {func(r *oauth.DPoPRequest) { r.Thumbprint = strings.Repeat("A", 43) }, "another key"},
		"a token bound to no key yet":  {func(r *oauth.DPoPRequest) { r.Thumbprint = "" }, ""},
	} {
		r := rfc9449Request()
		c.change(&r)
		wantProof(t, name, judge(rfc9449Proof, r), c.want)
	}
	// Without ath a proof is for the token endpoint only (§4.3, 12).
	r := rfc9449Request()
	r.Method, r.Target, r.Now = "POST", "https://server.example.com/token", time.Unix(1562262616, 0)
	wantProof(t, "no ath", judge(rfc9449TokenProof, r), "ath")
}

// claimsOf are good claims with changes: JSON texts, "" takes one away.
func proofPayload(changes map[string]string) string {
	all := map[string]string{"jti": `"1"`, "htm": `"GET"`, "htu": `"https://api.test/a"`, "iat": "1000"}
	for name, value := range changes {
		all[name] = value
	}
	var text []string
	for name, value := range all {
		if value != "" {
			text = append(text, `"`+name+`":`+value)
		}
	}
	return "{" + strings.Join(text, ",") + "}"
}

func TestG73_G75_G77_ClaimsOfProofs(t *testing.T) {
	header := `{"typ":"dpop+jwt","alg":"ES256","jwk":` + jwkOf(t, testKeys().ec.Public()) + `}`
	r := oauth.DPoPRequest{Method: "GET", Target: "https://api.test/a", Now: time.Unix(1000, 0), MaxAge: time.Minute}
	long := strings.Repeat("x", 257)
	for name, c := range map[string]struct{ claim, value, want string }{
		"good":                {"", "", ""},
		"fraction":            {"iat", "1000.9", ""},
		"jti of 256 bytes":    {"jti", `"` + long[1:] + `"`, ""},
		"jti of 257 bytes":    {"jti", `"` + long + `"`, "jti"},
		"no jti":              {"jti", "", "jti"},
		"empty jti":           {"jti", `""`, "jti"},
		"jti is a number":     {"jti", "1", "jti"},
		"no htm":              {"htm", "", "htm"},
		"htm is a list":       {"htm", `["GET"]`, "htm"},
		"no htu":              {"htu", "", "htu"},
		"htu is null":         {"htu", "null", "htu"},
		"relative htu":        {"htu", `"/a"`, "htu"},
		"no iat":              {"iat", "", "iat"},
		"iat is text":         {"iat", `"1000"`, "iat"},
		"iat is negative":     {"iat", "-1000", "iat"},
		"iat is huge":         {"iat", "1e300", "iat"},
		"iat is milliseconds": {"iat", "1000000", "iat"},
		"nonce is a number":   {"nonce", "1", "each of its type"},
		"nonce too long":      {"nonce", `"` + long + `"`, "each of its type"},
		"ath is a number":     {"ath", "1", "each of its type"},
		"unknown claims":      {"other", "{}", ""},
	} {
		wantProof(t, name, judge(signES256(t, header, proofPayload(map[string]string{c.claim: c.value})), r), c.want)
	}
	for name, payload := range map[string]string{
		"a member twice": `{"jti":"1","jti":"1","htm":"GET","htu":"https://api.test/a","iat":1000}`,
		"no object":      `[]`, "no JSON": `x`, "empty": ``,
	} {
		wantProof(t, name, judge(signES256(t, header, payload), r), "each of its type")
	}
}

func TestG72_G73_HeadersOfProofs(t *testing.T) {
	key, payload := jwkOf(t, testKeys().ec.Public()), proofPayload(nil)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := strings.TrimSuffix(key, "}") + `,"d":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"}`
	r := oauth.DPoPRequest{Method: "GET", Target: "https://api.test/a", Now: time.Unix(1000, 0), MaxAge: time.Minute}
	head := func(typ, alg, jwk string) string { return `{"typ":` + typ + `,"alg":` + alg + `,"jwk":` + jwk + `}` }
	for name, c := range map[string]struct{ header, want string }{
		"good":                  {head(`"dpop+jwt"`, `"ES256"`, key), ""},
		"another kid":           {`{"kid":"x",` + head(`"dpop+jwt"`, `"ES256"`, key)[1:], ""},
		"typ JWT":               {head(`"JWT"`, `"ES256"`, key), "typ"},
		"typ in capitals":       {head(`"DPoP+JWT"`, `"ES256"`, key), "typ"},
		"typ with application/": {head(`"application/dpop+jwt"`, `"ES256"`, key), "typ"},
		"typ at+jwt":            {head(`"at+jwt"`, `"ES256"`, key), "typ"},
		"no typ":                {`{"alg":"ES256","jwk":` + key + `}`, "typ"},
		"typ is a number":       {head(`1`, `"ES256"`, key), "compact JWS"},
		"no alg":                {`{"typ":"dpop+jwt","jwk":` + key + `}`, "compact JWS"},
		"alg none":              {head(`"dpop+jwt"`, `"none"`, key), "alg"},
		"alg HS256":             {head(`"dpop+jwt"`, `"HS256"`, `{"kty":"oct","k":"AAAA"}`), "alg"},
		"alg not taken":         {head(`"dpop+jwt"`, `"ES512"`, key), "alg"},
		"alg of another key":    {head(`"dpop+jwt"`, `"RS256"`, key), "jwk"},
		"alg of another curve":  {head(`"dpop+jwt"`, `"ES384"`, key), "jwk"},
		"alg against the jwk":   {head(`"dpop+jwt"`, `"ES256"`, strings.TrimSuffix(key, "}")+`,"alg":"ES384"}`), "jwk"},
		"no jwk":                {`{"typ":"dpop+jwt","alg":"ES256","kid":"1"}`, "jwk"},
		"jwk is text":           {head(`"dpop+jwt"`, `"ES256"`, `"x"`), "jwk"},
		"a private jwk":         {head(`"dpop+jwt"`, `"ES256"`, private), "jwk"},
		"a symmetric jwk":       {head(`"dpop+jwt"`, `"ES256"`, `{"kty":"oct","k":"AAAA"}`), "jwk"},
		"another key":           {head(`"dpop+jwt"`, `"ES256"`, jwkOf(t, other.Public())), "signature"},
		"crit":                  {`{"crit":["x"],` + head(`"dpop+jwt"`, `"ES256"`, key)[1:], "compact JWS"},
		"typ twice":             {`{"typ":"JWT",` + head(`"dpop+jwt"`, `"ES256"`, key)[1:], "compact JWS"},
		"jwk member twice":      {head(`"dpop+jwt"`, `"ES256"`, strings.Replace(key, "{", `{"kty":"EC",`, 1)), "compact JWS"},
	} {
		wantProof(t, name, judge(signES256(t, c.header, payload), r), c.want)
	}
	good := signES256(t, head(`"dpop+jwt"`, `"ES256"`, key), payload)
	for name, values := range map[string][]string{
		"none": nil, "two": {good, good}, "two in one": {good + ", " + good}, "empty": {""}, "text": {"proof"}, "JSON": {"{}"},
		"padded": {good + "="}, "spaces": {" " + good}, "five parts": {good + ".a.b"}, "line break": {good[:50] + "\n" + good[50:]},
		"100 KB": {strings.Repeat("A", 100<<10)}, "100 KB of JWS": {signES256(t, head(`"dpop+jwt"`, `"ES256"`, key), proofPayload(map[string]string{"x": `"` + strings.Repeat("x", 100<<10) + `"`}))},
	} {
		_, err := oauth.ParseDPoPProof(values, oauth.DPoPAlgorithms())
		wantProof(t, name, err, "DPoP header")
	}
}

// Every algorithm, signed by jwx.
func TestG73_AlgorithmsOfProofs(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	keys := testKeys()
	r := oauth.DPoPRequest{Method: "GET", Target: "https://api.test/a", Now: time.Unix(1000, 0), MaxAge: time.Minute}
	for _, c := range []struct {
		alg  jwa.SignatureAlgorithm
		key  crypto.Signer
		want string
	}{
		{jwa.ES256, keys.ec, ""}, {jwa.ES384, p384, ""}, {jwa.EdDSA, keys.ed, ""}, {jwa.RS256, keys.rsa, ""}, {jwa.PS256, keys.rsa, ""},
		{jwa.RS512, keys.rsa, "alg"}, {jwa.RS256, weak, "jwk"},
	} {
		proof := jwxProof(t, c.alg, c.key, proofPayload(nil))
		wantProof(t, c.alg.String(), judge(proof, r), c.want)
		if c.want == "" {
			_, err := oauth.ParseDPoPProof([]string{proof}, []string{oauth.RS384})
			wantProof(t, c.alg.String()+" where it is not taken", err, "alg")
			broken := []byte(proof)
			at := strings.LastIndexByte(proof, '.') + 10
			broken[at] = 'A' + (broken[at]-'A'+1)%26
			wantProof(t, c.alg.String()+" broken", judge(string(broken), r), "signature")
		}
	}
}

// jwxProof is a proof that jwx makes.
func jwxProof(t testing.TB, alg jwa.SignatureAlgorithm, key crypto.Signer, payload string) string {
	t.Helper()
	public, err := jwk.FromRaw(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	headers := jws.NewHeaders()
	if err := errors.Join(headers.Set(jws.TypeKey, "dpop+jwt"), headers.Set(jws.JWKKey, public)); err != nil {
		t.Fatal(err)
	}
	var raw any = key
	if ed, ok := key.(ed25519.PrivateKey); ok {
		raw = ed
	}
	proof, err := jws.Sign([]byte(payload), jws.WithKey(alg, raw, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	return string(proof)
}
