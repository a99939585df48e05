package login

import (
	"slices"
	"strings"
	"unicode"
)

// shortestName is the least length of a name that a password must not be: with
// less of it there are too many others.
const shortestName = 3

// shortestWalk is the least length of a walk that digits stand behind.
const shortestWalk = 6

// walks are what fingers do on a keyboard, and how people count.
var walks = []string{
	"1234567890", "0123456789", "abcdefghijklmnopqrstuvwxyz",
	"qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "q1w2e3r4t5y6u7i8o9p0", "1q2w3e4r5t6y7u8i9o0p", "a1b2c3d4e5f6g7h8i9j0",
	"abc123", "123abc", "!@#$%^&*()", "!\"§$%&/()=",
}

// isWalk says whether a password is a part of a walk that goes on and on, forwards
// or backwards, or a character or three again and again.
func isWalk(password string) bool {
	lower := strings.ToLower(password)
	if len([]rune(unit(lower))) <= shortestName {
		return true
	}
	back := []rune(lower)
	slices.Reverse(back)
	for _, walk := range walks {
		endless := strings.Repeat(walk, 2+len(lower)/len(walk))
		if strings.Contains(endless, lower) || strings.Contains(endless, string(back)) {
			return true
		}
	}
	return false
}

// guesses are what a password comes to when what people add to a word is taken off
// again: capitals, digits and signs at its ends or in the place of letters, spaces,
// and the word itself once more. The whole password is what counts, not a part of
// it: a sentence may hold any word.
func guesses(password string) []string {
	lower := strings.ToLower(password)
	seeds := []string{lower, unit(bare(lower))}
	if only := strings.Map(keepLetter, lower); unit(only) != only {
		seeds = append(seeds, only) // a word with other digits each time
	}
	var out []string
	for _, seed := range seeds {
		word := strings.TrimFunc(seed, func(r rune) bool { return !unicode.IsLetter(r) })
		for _, text := range []string{seed, word, letters.Replace(seed), letters.Replace(word)} {
			if text = bare(text); text != "" {
				out = append(out, text, unit(text))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func keepLetter(r rune) rune {
	if unicode.IsLetter(r) {
		return r
	}
	return -1
}

// letters are those that people write in another way.
var letters = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// words are a name as it may be guessed: as a whole, and each part of it that is
// long enough.
func words(name string) []string {
	lower := strings.ToLower(name)
	parts := strings.FieldsFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	parts = append(parts, bare(lower))
	return slices.DeleteFunc(parts, func(word string) bool { return len([]rune(word)) < shortestName })
}

// bare is a text without what is neither letter nor digit.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

// unit is what a text repeats, the last time perhaps in part; the text itself when
// it repeats nothing.
func unit(text string) string {
	runes := []rune(text)
	for n := 1; n <= len(runes)/2; n++ {
		if slices.Equal(runes[n:], runes[:len(runes)-n]) {
			return string(runes[:n])
		}
	}
	return text
}
