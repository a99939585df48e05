package introspect

import (
	"errors"
	"net/url"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// maxQuery bounds the query that an expression reads.
const maxQuery = 8 << 10

// Request is what an expression may know of a request.
type Request struct {
	// Method and Path are those that the rules judge.
	Method, Path string
	// Host is the one that the client names, ClientIP where it comes from.
	Host, ClientIP string
	// Query is the query as it stands in the URL.
	Query string
}

// variables are what expressions are written with. Those with a dot are of
// their own, so that a misspelt one is found before any request comes.
var variables = []cel.EnvOption{
	cel.Variable("claims", cel.MapType(cel.StringType, cel.DynType)),
	cel.Variable("scope", cel.ListType(cel.StringType)),
	cel.Variable("sub", cel.StringType),
	cel.Variable("client_id", cel.StringType),
	cel.Variable("issuer", cel.StringType),
	cel.Variable("request.method", cel.StringType),
	cel.Variable("request.path", cel.StringType),
	cel.Variable("request.host", cel.StringType),
	cel.Variable("request.client_ip", cel.StringType),
	cel.Variable("request.query", cel.MapType(cel.StringType, cel.ListType(cel.StringType))),
	cel.Variable("request.time", cel.TimestampType),
}

const variableNames = "claims, scope, sub, client_id, issuer and request.method, .path, .host, .client_ip, .query, .time"

// activation answers the variables of one evaluation.
type activation struct {
	token   *Token
	request Request
	now     time.Time
	query   any
}

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "claims":
		return a.token.Claims.All(), true
	case "scope":
		return []string(a.token.Scope), true
	case "sub":
		return a.token.Subject, true
	case "client_id":
		return a.token.ClientID, true
	case "issuer":
		return a.token.Issuer, true
	case "request.method":
		return a.request.Method, true
	case "request.path":
		return a.request.Path, true
	case "request.host":
		return a.request.Host, true
	case "request.client_ip":
		return a.request.ClientIP, true
	case "request.query":
		if a.query == nil {
			a.query = parseQuery(a.request.Query)
		}
		return a.query, true
	case "request.time":
		return a.now, true
	default:
		return nil, false
	}
}

// Parent implements cel.Activation.
func (*activation) Parent() cel.Activation { return nil }

var errQuery = errors.New("query")

// parseQuery gives a map, or an error that the evaluation ends with.
func parseQuery(raw string) any {
	if len(raw) > maxQuery {
		return types.WrapErr(errQuery)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return types.WrapErr(errQuery)
	}
	return map[string][]string(values)
}
