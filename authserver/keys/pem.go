package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// ParsePEM reads one private key in PEM form: PKCS #8, SEC 1 or PKCS #1. Other
// blocks, such as the parameters that openssl writes before an EC key, are
// passed over. Its errors show nothing of the text.
func ParsePEM(text []byte) (crypto.Signer, error) {
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			return nil, errors.New("there is no private key in PEM form in it")
		}
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			if block.Headers["DEK-Info"] != "" {
				return nil, errEncrypted
			}
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errEncrypted
		default:
			continue
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return nil, errors.New("the private key in it cannot be read: use RSA, EC on P-256 or P-384, or Ed25519")
		}
		return signer, nil
	}
}

var errEncrypted = errors.New("the private key in it is encrypted with a password, which nobody could type at start: decrypt it with openssl pkey, and protect the file by its mode")
