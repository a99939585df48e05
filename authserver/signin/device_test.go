package signin

import (
	"strings"
	"testing"
)

func TestDeviceInAFewWords(t *testing.T) {
	const gecko = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]string{
		"": "", "curl/8.5.0": "", "\x00\xff<script>": "",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                "Firefox, Windows",
		"Mozilla/5.0 (X11; Linux x86_64)" + gecko + "Chrome/126.0.0.0 Safari/537.36":                                                      "Chrome, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + gecko + "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0":                              "Edge, Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":           "Safari, macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile Safari/604.1": "Chrome, iPhone",
		"Mozilla/5.0 (Linux; Android 14; SM-S918B)" + gecko + "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36":                 "Samsung Internet, Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + gecko + "Chrome/126.0.0.0 Safari/537.36":                                             "Chrome, ChromeOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + gecko + "Chrome/126.0.0.0 Safari/537.36 OPR/112.0.0.0":                              "Opera, Windows",
		"SomethingElse (Windows NT 10.0)":                "Windows",
		strings.Repeat("x", maxAgent) + " Firefox/128.0": "",
	} {
		if got := Device(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func FuzzDevice(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0) Firefox/128.0")
	f.Fuzz(func(t *testing.T, agent string) {
		if got := Device(agent); len(got) > 40 || strings.ContainsAny(got, "<>\"'&\n") {
			t.Errorf("%q: %q", agent, got)
		}
	})
}
