package oauth_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/caddy-oauth2/caddy-oauth2/authserver/oauth"
)

// The certificate of RFC 8705 appendix A.
const rfc8705Certificate = "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx" +
	"ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG" +
	"SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ" +
	"/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID" +
	"SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV" +
	"bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY="

// The Client-Cert header of RFC 9440 appendix A.
const rfc9440Header = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBD" +
	"QTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXm" +
	"ckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8B" +
	"Af8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0" +
	"Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:"

func TestRFC8705_ThumbprintOfTheExample(t *testing.T) {
	der, err := base64.StdEncoding.DecodeString(rfc8705Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if got := oauth.CertificateThumbprint(der); got != "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" {
		t.Error(got)
	}
}

func TestRFC9440_OneByteSequence(t *testing.T) {
	der, err := oauth.ParseClientCert([]string{rfc9440Header})
	if err != nil || ":"+base64.StdEncoding.EncodeToString(der)+":" != rfc9440Header {
		t.Errorf("%d bytes, %v", len(der), err)
	}
	for name, values := range map[string][]string{
		"none":             nil,
		"two":              {":AAAA:", ":AAAA:"},
		"two in one":       {":AAAA:, :AAAA:"},
		"empty":            {""},
		"a colon":          {":"},
		"no octet":         {"::"},
		"not opened":       {"AAAA:"},
		"not closed":       {":AAAA"},
		"PEM":              {"-----BEGIN CERTIFICATE-----"},
		"a parameter":      {":AAAA:;a=1"},
		"spaces":           {" :AAAA: "},
		"a line break":     {":AA\r\nAA:"},
		"not base64":       {":AA_-:"},
		"without padding":  {":AAA:"},
		"bits in padding":  {":AAB=:"},
		"too long":         {":" + strings.Repeat("AAAA", 6000) + ":"},
		"as nginx sends":   {"%3AAAAA%3A"},
		"beyond the colon": {":AAAA:x"},
	} {
		if der, err := oauth.ParseClientCert(values); err == nil {
			t.Errorf("%s: %x", name, der)
		}
	}
}

func FuzzClientCert(f *testing.F) {
	f.Add(rfc9440Header)
	f.Add(":AAAA:")
	f.Fuzz(func(t *testing.T, value string) {
		der, err := oauth.ParseClientCert([]string{value})
		if err == nil && ":"+base64.StdEncoding.EncodeToString(der)+":" != value {
			t.Errorf("%q is taken, and is not the one form of its octets", value)
		}
	})
}
