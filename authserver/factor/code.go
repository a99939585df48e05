package factor

import (
	"encoding/base32"

	"github.com/pquerna/otp/hotp"
)

const totpDigits = 6

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// totpCode is the code of a step (RFC 4226 §5.3).
func totpCode(secret []byte, step int64) string {
	code, err := hotp.GenerateCode(base32Text.EncodeToString(secret), uint64(step)) //nolint:gosec // steps of now
	if err != nil || len(code) != totpDigits {
		panic("a secret of bytes has no code") // it takes any bytes
	}
	return code
}
