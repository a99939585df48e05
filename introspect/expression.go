package introspect

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
)

// maxExpressionCost bounds one evaluation, whatever a token or a request holds:
// some two milliseconds. Comparing a few claims costs some ten, and searching
// a list some six an element.
const maxExpressionCost = 5_000

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

var environment = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(variables...) })

// expression is a compiled one, without side effects and bounded in cost.
type expression struct{ program cel.Program }

// compileExpression compiles text; what is wrong with it is told with the column.
func compileExpression(text string) (*expression, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		found := issues.Errors()[0]
		message := strings.ReplaceAll(found.Message, " (in container '')", "")
		if strings.HasPrefix(message, "undeclared reference") {
			message += "; the variables are " + variableNames
		}
		return nil, fmt.Errorf("expression, line %d column %d: %s", found.Location.Line(), found.Location.Column()+1, message)
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("expression gives %s and not true or false: compare it with a value, as in: claims.level == 3", checked.OutputType())
	}
	if !patternsWritten(checked) {
		return nil, errors.New("expression: matches takes a pattern that is written there, not one of the token or the request")
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxExpressionCost))
	if err != nil {
		return nil, fmt.Errorf("expression: %w", err)
	}
	return &expression{program}, nil
}

// patternsWritten says whether all regular expressions stand in the text: one
// that a caller chooses could take any time and memory to compile.
func patternsWritten(checked *cel.Ast) bool {
	written := true
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != overloads.Matches {
			return
		}
		arguments := e.AsCall().Args()
		written = written && arguments[len(arguments)-1].Kind() == ast.LiteralKind
	}))
	return written
}

// Faults of an expression that has no value for a request: a closed set. The
// words of the evaluator could hold values of claims.
const (
	// FaultMissing is a claim or an element that is not there.
	FaultMissing = "missing"
	// FaultType is a claim that is of another type than the expression needs.
	FaultType = "type"
	// FaultCost is an evaluation that takes too long.
	FaultCost = "cost"
	// FaultQuery is a query that is malformed or too long.
	FaultQuery = "query"
	// FaultOther is any other.
	FaultOther = "other"
)

var errQuery = errors.New("query")

// holds evaluates the expression. What has no value does not hold.
func (e *expression) holds(token *Token, request Request, now time.Time) (holds bool, fault string) {
	value, _, err := e.program.Eval(&activation{token: token, request: request, now: now})
	if err != nil {
		return false, faultOf(err)
	}
	holds, ok := value.Value().(bool)
	if !ok {
		return false, FaultType
	}
	return holds, ""
}

func faultOf(err error) string {
	var cancelled interpreter.EvalCancelledError
	switch text := err.Error(); {
	case errors.As(err, &cancelled):
		return FaultCost
	case errors.Is(err, errQuery):
		return FaultQuery
	case strings.HasPrefix(text, "no such key"), strings.HasPrefix(text, "no such attribute"), strings.HasPrefix(text, "index out of bounds"):
		return FaultMissing
	case strings.HasPrefix(text, "no such overload"), strings.HasPrefix(text, "unsupported"), strings.HasPrefix(text, "type conversion"):
		return FaultType
	default:
		return FaultOther
	}
}

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
		return a.token.Claims, true
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
