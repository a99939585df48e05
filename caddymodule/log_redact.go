package caddymodule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

func init() { caddy.RegisterModule(new(RedactEncoder)) }

// RedactEncoder hides OAuth 2.0 credentials in log entries, for access logs and
// all others: DPoP proofs, passwords and sessions in headers, and tokens, codes
// and secrets in URIs, in Location and Referer, and in messages.
//
// Caddy copies a request for its logs before any handler can take something
// off it, and its own filters work on fields that are named one by one; they
// reach neither messages nor the fragment of a Location.
type RedactEncoder struct {
	// WrappedRaw is the encoder that writes the entries, such as `json`,
	// `console` or `filter`, which then filters what is redacted already.
	// Default: `console` on a terminal, else `json`.
	WrappedRaw json.RawMessage `json:"wrap,omitempty" caddy:"namespace=caddy.logging.encoders inline_key=format"`

	redactor
	wrapped zapcore.Encoder
}

// CaddyModule returns the Caddy module information.
func (*RedactEncoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "caddy.logging.encoders.oauth2_redact",
		New: func() caddy.Module { return new(RedactEncoder) },
	}
}

// Provision loads the encoder that writes. Caddy's filter encoder without
// filters is the default because it chooses between json and console.
func (e *RedactEncoder) Provision(ctx caddy.Context) error {
	load := func() (any, error) { return ctx.LoadModule(e, "WrappedRaw") }
	if e.WrappedRaw == nil {
		load = func() (any, error) { return ctx.LoadModuleByID("caddy.logging.encoders.filter", nil) }
	}
	module, err := load()
	if err != nil {
		return fmt.Errorf("loading the encoder that oauth2_redact wraps: %w", err)
	}
	encoder, ok := module.(zapcore.Encoder)
	if !ok {
		return fmt.Errorf("oauth2_redact wraps a %T, which is no encoder", module)
	}
	e.wrap(encoder)
	return nil
}

func (e *RedactEncoder) wrap(encoder zapcore.Encoder) {
	e.wrapped, e.redactor = encoder, redactor{encoder}
}

// ConfigureDefaultFormat implements caddy.ConfiguresFormatterDefault.
func (e *RedactEncoder) ConfigureDefaultFormat(writer caddy.WriterOpener) error {
	if inner, ok := e.wrapped.(caddy.ConfiguresFormatterDefault); ok {
		return inner.ConfigureDefaultFormat(writer)
	}
	return nil
}

// UnmarshalCaddyfile reads the encoder. Syntax:
//
//	oauth2_redact {
//		wrap <encoder> ...
//	}
func (e *RedactEncoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume encoder name
	return readOnlyBlock(d, "oauth2_redact", map[string]reader{"wrap": e.readWrap})
}

func (e *RedactEncoder) readWrap(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	name := d.Val()
	encoder, err := caddyfile.UnmarshalModule(d, "caddy.logging.encoders."+name)
	if err != nil {
		return err
	}
	e.WrappedRaw = caddyconfig.JSONModuleObject(encoder, "format", name, nil)
	return nil
}

// Clone implements zapcore.Encoder.
func (e *RedactEncoder) Clone() zapcore.Encoder {
	clone := new(RedactEncoder)
	clone.wrap(e.wrapped.Clone())
	return clone
}

// EncodeEntry implements zapcore.Encoder.
func (e *RedactEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	// The fields of an entry may not stay in the encoder for the next one.
	encoder := e.wrapped.Clone()
	for _, field := range fields {
		field.AddTo(redactor{encoder})
	}
	entry.Message = redactText(entry.Message)
	return encoder.EncodeEntry(entry, nil)
}

// redactor hides secrets in the fields that it passes on, however deep.
type redactor struct {
	zapcore.ObjectEncoder `json:"-"`
}

// AddString implements zapcore.ObjectEncoder.
func (r redactor) AddString(key, value string) {
	if secretField(key) {
		value = redacted
	}
	r.ObjectEncoder.AddString(key, redactText(value))
}

// AddByteString implements zapcore.ObjectEncoder.
func (r redactor) AddByteString(key string, value []byte) { r.AddString(key, string(value)) }

// AddArray implements zapcore.ObjectEncoder.
func (r redactor) AddArray(key string, values zapcore.ArrayMarshaler) error {
	if secretField(key) {
		values = caddyhttp.LoggableStringArray{redacted}
	}
	return r.ObjectEncoder.AddArray(key, redactedArray{values})
}

// AddObject implements zapcore.ObjectEncoder.
func (r redactor) AddObject(key string, members zapcore.ObjectMarshaler) error {
	if secretField(key) {
		r.ObjectEncoder.AddString(key, redacted)
		return nil
	}
	return r.ObjectEncoder.AddObject(key, redactedObject{members})
}

// AddReflected implements zapcore.ObjectEncoder.
func (r redactor) AddReflected(key string, value any) error {
	if headers, ok := value.(http.Header); ok {
		return r.AddObject(key, caddyhttp.LoggableHTTPHeader{Header: headers})
	}
	if secretField(key) {
		value = redacted
	}
	return r.ObjectEncoder.AddReflected(key, redactReflected(value))
}

// redactReflected hides secrets in what the wrapped encoder would make JSON of.
func redactReflected(value any) any {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // or & would be no delimiter
	if encoder.Encode(value) != nil {
		return value // the wrapped encoder fails as well
	}
	hidden := redactText(text.String())
	switch {
	case hidden == text.String():
		return value
	case json.Valid([]byte(hidden)):
		return json.RawMessage(hidden)
	default:
		return hidden
	}
}

type redactedObject struct{ zapcore.ObjectMarshaler }

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (o redactedObject) MarshalLogObject(encoder zapcore.ObjectEncoder) error {
	return o.ObjectMarshaler.MarshalLogObject(redactor{encoder})
}

type redactedArray struct{ zapcore.ArrayMarshaler }

// MarshalLogArray implements zapcore.ArrayMarshaler.
func (a redactedArray) MarshalLogArray(encoder zapcore.ArrayEncoder) error {
	return a.ArrayMarshaler.MarshalLogArray(arrayRedactor{encoder})
}

// arrayRedactor is redactor for the values of an array.
type arrayRedactor struct{ zapcore.ArrayEncoder }

// AppendString implements zapcore.ArrayEncoder.
func (r arrayRedactor) AppendString(value string) { r.ArrayEncoder.AppendString(redactText(value)) }

// AppendByteString implements zapcore.ArrayEncoder.
func (r arrayRedactor) AppendByteString(value []byte) { r.AppendString(string(value)) }

// AppendArray implements zapcore.ArrayEncoder.
func (r arrayRedactor) AppendArray(values zapcore.ArrayMarshaler) error {
	return r.ArrayEncoder.AppendArray(redactedArray{values})
}

// AppendObject implements zapcore.ArrayEncoder.
func (r arrayRedactor) AppendObject(members zapcore.ObjectMarshaler) error {
	return r.ArrayEncoder.AppendObject(redactedObject{members})
}

// AppendReflected implements zapcore.ArrayEncoder.
func (r arrayRedactor) AppendReflected(value any) error {
	return r.ArrayEncoder.AppendReflected(redactReflected(value))
}

// Interface guards
var (
	_ caddy.Module                     = (*RedactEncoder)(nil)
	_ caddy.Provisioner                = (*RedactEncoder)(nil)
	_ caddy.ConfiguresFormatterDefault = (*RedactEncoder)(nil)
	_ caddyfile.Unmarshaler            = (*RedactEncoder)(nil)
	_ zapcore.Encoder                  = (*RedactEncoder)(nil)
)
