package introspect

import "slices"

// ruleIndex finds the lines that match a path without a look at the others: five
// lines and five hundred cost the same. A line is in it by its place in the list.
type ruleIndex struct {
	any   []int
	exact map[string][]int
	below map[string][]int
	// lengths are those of the texts in below, each once. Only beginnings of a path
	// that are as long are looked up: how many, the configuration says and not
	// the request.
	lengths []int
}

// add takes in the next line of the list.
func (x *ruleIndex) add(n int, path pattern) {
	if x.exact == nil {
		x.exact, x.below = map[string][]int{}, map[string][]int{}
	}
	if path.any {
		x.any = append(x.any, n)
	}
	if path.exact != "" {
		x.exact[path.exact] = append(x.exact[path.exact], n)
	}
	if path.below != "" {
		x.below[path.below] = append(x.below[path.below], n)
		if !slices.Contains(x.lengths, len(path.below)) {
			x.lengths = append(x.lengths, len(path.below))
		}
	}
}

// first is the first line that matches a path and of which takes says so, below
// most; most when there is none.
func (x *ruleIndex) first(path string, most int, takes func(n int) bool) int {
	try := func(lines []int) {
		for _, n := range lines {
			if n >= most {
				return
			}
			if takes(n) {
				most = n
			}
		}
	}
	try(x.any)
	try(x.exact[path])
	for _, length := range x.lengths {
		if length <= len(path) && path[length-1] == '/' {
			try(x.below[path[:length]])
		}
	}
	return most
}
