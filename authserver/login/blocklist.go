package login

import (
	"bufio"
	_ "embed" // for the list of our own
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// commonPasswords are of our own writing: what people call a password in some
// languages, what they love, whom they admire, and the phrases that are meant to be
// long. Repetitions, digits behind them and other spellings need no line.
//
//go:embed blocklist.txt
var commonPasswords string

// maxBlocklist bounds the file of an operator, in bytes: a million passwords.
const maxBlocklist = 16 << 20

// Blocklist is passwords that nobody may choose. It keeps eight bytes of each.
type Blocklist struct {
	seed maphash.Seed
	sums []uint64
}

var commonBlocklist = sync.OnceValue(func() *Blocklist {
	b, _ := readBlocklist(strings.NewReader(commonPasswords)) // fails for reading alone
	return b
})

// OpenBlocklist reads a file of passwords, one in a line. They are blocked beside
// those of our own list, whatever their capitals and spaces.
func OpenBlocklist(path string) (*Blocklist, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	limited := &io.LimitedReader{R: file, N: maxBlocklist + 1}
	b, err := readBlocklist(limited)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("%s has more than %d MB: keep the commonest passwords", path, maxBlocklist>>20)
	}
	return b, nil
}

func readBlocklist(r io.Reader) (*Blocklist, error) {
	b := &Blocklist{seed: maphash.MakeSeed()}
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if word := bare(strings.ToLower(line)); word != "" {
			b.sums = append(b.sums, maphash.String(b.seed, word))
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(b.sums)
	b.sums = slices.Compact(b.sums)
	return b, nil
}

// has says whether a guess is in the list or in our own.
func (b *Blocklist) has(guess string) bool {
	common := commonBlocklist()
	if _, found := slices.BinarySearch(common.sums, maphash.String(common.seed, guess)); found {
		return true
	}
	if b == nil {
		return false
	}
	_, found := slices.BinarySearch(b.sums, maphash.String(b.seed, guess))
	return found
}
