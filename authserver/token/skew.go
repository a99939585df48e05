package token

import (
	"fmt"
	"time"
)

// maxSkew is by how much the clocks of our nodes may differ.
const maxSkew = time.Minute

// errNotYetValid is a token that says it was issued later than now.
var errNotYetValid = fmt.Errorf("%w: issued in the future", ErrInvalid)
