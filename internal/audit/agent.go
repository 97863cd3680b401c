package audit

import "strings"

// agentPhrases are parts of User-Agents. Every browser sends over a hundred bytes, nearly all of them the same, so a record has one
// byte instead of each phrase: its place here, from 1. Clean text has no control characters. A place never changes its phrase, and
// there are at most 31.
var agentPhrases = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
	"Mozilla/5.0 (Linux; Android ",
	"Mozilla/5.0 (iPhone; CPU iPhone OS ",
	"Mozilla/5.0 (iPad; CPU OS ",
	"Mozilla/5.0 (X11; Linux x86_64",
	"Mozilla/5.0 (Android ",
	"Mozilla/5.0 (",
	") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/",
	" like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/",
	"537.36 (KHTML, like Gecko) Chrome/",
	"605.1.15 (KHTML, like Gecko) Version/",
	") Gecko/20100101 Firefox/",
	"; Mobile; rv:",
	".0.0.0 Mobile Safari/537.36",
	".0.0.0 Safari/537.36",
	" Mobile/15E148 Safari/604.1",
	" Mobile Safari/537.36",
	" Safari/605.1.15",
	" Safari/537.36",
	".0.0.0",
	" Edg/",
	" OPR/",
	"SamsungBrowser/",
	"Barillet",
}

var shortenAgent, expandAgent = func() (shorten, expand *strings.Replacer) {
	var long, short []string
	for i, phrase := range agentPhrases {
		code := string([]byte{byte(i + 1)})
		long, short = append(long, phrase, code), append(short, code, phrase)
	}
	return strings.NewReplacer(long...), strings.NewReplacer(short...)
}()
