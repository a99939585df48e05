package caddymodule

import (
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// What the wrapped encoder makes JSON of goes through the same sieve.
func TestF30_ReflectedFieldsAreRedacted(t *testing.T) {
	encoder := new(RedactEncoder)
	encoder.wrap(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}))
	line, err := encoder.EncodeEntry(zapcore.Entry{}, []zap.Field{
		zap.Any("map", map[string]any{"uri": "/x?code=canary-1&state=kept", "n": 7}),
		zap.Any("struct", struct{ Token string }{"eyJhbGciOiJFUzI1NiJ9.canary-2.canary-3"}),
		zap.Any("list", []any{"/cb#access_token=canary-4", true}),
		zap.Any("client_secret", []int{4711}),
		zap.String("password", "canary-5"),
		zap.Array("inner", zapcore.ArrayMarshalerFunc(func(array zapcore.ArrayEncoder) error {
			return array.AppendReflected(map[string]string{"uri": "/x?token=canary-6"})
		})),
	})
	if err != nil {
		t.Fatal(err)
	}
	text := line.String()
	for _, secret := range []string{"canary", "4711"} {
		if strings.Contains(text, secret) {
			t.Errorf("it shows %s: %s", secret, text)
		}
	}
	for _, kept := range []string{"state=kept", `"n":7`, "true"} {
		if !strings.Contains(text, kept) {
			t.Errorf("it lost %s: %s", kept, text)
		}
	}
}
