package signin

import "strings"

// maxAgent is how much of a User-Agent is looked at.
const maxAgent = 512

// mark is a word of a User-Agent and what it stands for.
type mark struct{ word, name string }

var (
	// browsers are looked for in this order, for most claim to be several others.
	browsers = []mark{
		{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"EdgiOS/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = []mark{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

// Device names the browser and system of a User-Agent in our own words, such as
// "Firefox, Windows"; "" for one that says nothing we know. It is for people who
// look for a sign-in that was not theirs, not for decisions: anybody can send any.
func Device(agent string) string {
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
	}
	var found []string
	for _, list := range [][]mark{browsers, systems} {
		for _, m := range list {
			if strings.Contains(agent, m.word) {
				found = append(found, m.name)
				break
			}
		}
	}
	return strings.Join(found, ", ")
}
