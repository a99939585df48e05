package sqlstore

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// texts holds each statement with PostgreSQL's placeholders by its text.
var texts sync.Map

// numbered writes $1, $2, … where a statement has its ? for arguments.
func numbered(text string) string {
	if known, ok := texts.Load(text); ok {
		return known.(string)
	}
	var b strings.Builder
	quoted, n := false, 0
	for _, r := range text {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == '?' && !quoted:
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	texts.Store(text, b.String())
	return b.String()
}

// escaped begins a text that PostgreSQL could not hold as it is.
const escaped = "\x01"

// stored gives arguments a form that PostgreSQL takes. Its TEXT holds neither NUL
// nor broken UTF-8, which others may send us: such texts are escaped, so that no
// request can make a statement fail. Equal texts stay equal.
func stored(args []any) []any {
	for i, arg := range args {
		if text, ok := arg.(string); ok && unfit(text) {
			args = append([]any(nil), args...)
			args[i] = escaped + base64.RawStdEncoding.EncodeToString([]byte(text))
		}
	}
	return args
}

func unfit(text string) bool {
	return strings.HasPrefix(text, escaped) || strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text)
}

// pgRow reads what stored has written.
type pgRow struct{ rows pgx.Rows }

func (r pgRow) Scan(dest ...any) error {
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	for _, d := range dest {
		text, ok := d.(*string)
		if !ok || !strings.HasPrefix(*text, escaped) {
			continue
		}
		plain, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(*text, escaped))
		if err != nil {
			return fmt.Errorf("a stored text is not in its escaped form: %w", err)
		}
		*text = string(plain)
	}
	return nil
}
