package introspect

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/interpreter"
)

// maxExpressionCost bounds one evaluation, whatever a token or a request holds:
// some two milliseconds. Comparing a few claims costs some ten, and searching
// a list some six an element.
const maxExpressionCost = 5_000

// environment is made once: compiling is rare, and it is the same for all.
var environment = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv(variables...) })

// expression is a compiled one, without side effects and bounded in cost.
type expression struct {
	program cel.Program
	// path says that it reads the path of the request.
	path bool
}

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
	return &expression{program, refersTo(checked, "request.path")}, nil
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

// refersTo says whether an expression reads a variable.
func refersTo(checked *cel.Ast, variable string) bool {
	for _, reference := range checked.NativeRep().ReferenceMap() {
		if reference.Name == variable {
			return true
		}
	}
	return false
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
