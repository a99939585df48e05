package login

// ForgeRock AM, authentication chains; Java Authentication and Authorization
// Service, javax.security.auth.login.Configuration

// Criterion is what the answer of one service means to its chain.
type Criterion string

const (
	// Required must say yes; the rest is asked either way.
	Required Criterion = "required"
	// Requisite must say yes; after a no nobody else is asked.
	Requisite Criterion = "requisite"
	// Sufficient ends the chain with its yes, unless a required service has said
	// no; its no means nothing.
	Sufficient Criterion = "sufficient"
	// Optional counts when nothing else decides.
	Optional Criterion = "optional"
)

// Criteria are all there are.
var Criteria = []Criterion{Required, Requisite, Sufficient, Optional}

// verdict is what a member said.
type verdict int

const (
	no verdict = iota
	yes
	// unknown is a member that could not answer.
	unknown
)

// outcome is where a chain stands.
type outcome int

const (
	// unsettled asks the next member.
	unsettled outcome = iota
	granted
	refused
	// faulted depends on a member that could not answer.
	faulted
)

// settle says where a chain stands after its first members have spoken, and which
// member decided: whose account it is, or whose fault.
//
// A member that could not answer counts as a no, so that it signs nobody in. Where
// that ends in a no which its yes could have averted, nothing is known of the
// password, and the outcome is a fault.
func settle(chain []Criterion, said []verdict) (outcome, int) {
	worst, best, away := make([]bool, len(said)), make([]bool, len(chain)), -1
	for i := range best {
		best[i] = i >= len(said) || said[i] != no
	}
	for i, verdict := range said {
		worst[i] = verdict == yes
		if verdict == unknown {
			away = first(away, i)
		}
	}
	outcome, member := evaluate(chain, worst)
	if outcome == refused && away >= 0 {
		if possible, _ := evaluate(chain, best); possible == granted {
			return faulted, away
		}
	}
	return outcome, member
}

// evaluate is settle where every member could answer.
//
// The account is that of the first required or requisite member; where none of
// those spoke it is that of the sufficient member that ended the chain, else of
// the first optional one.
func evaluate(chain []Criterion, said []bool) (outcome, int) {
	failed, account, optional := false, -1, -1
	for i, yes := range said {
		switch criterion := chain[i]; {
		case criterion == Requisite && !yes:
			return refused, -1
		case criterion == Required && !yes:
			failed = true
		case !yes:
		case criterion == Required, criterion == Requisite:
			account = first(account, i)
		case criterion == Sufficient && !failed:
			return granted, first(account, i)
		case criterion == Optional:
			optional = first(optional, i)
		}
	}
	account = first(account, optional)
	switch {
	case len(said) < len(chain):
		return unsettled, -1
	case failed || account < 0:
		return refused, -1
	}
	return granted, account
}

// first keeps an index that is set.
func first(index, otherwise int) int {
	if index >= 0 {
		return index
	}
	return otherwise
}
