package account

import "strings"

// DescribeUserAgent says in two words what a User-Agent is: "Firefox, Android". It is for people to recognise their
// own browser by; nothing is decided on it. "" when nothing is recognised.
func DescribeUserAgent(agent string) string {
	var parts []string
	for _, table := range [][][2]string{browserTokens, systemTokens} {
		for _, m := range table {
			if strings.Contains(agent, m[0]) {
				parts = append(parts, m[1])
				break
			}
		}
	}
	return strings.Join(parts, ", ")
}

// The order matters: most browsers also claim to be those below them.
var (
	browserTokens = [][2]string{{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}}
	systemTokens = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"},
		{"CrOS", "ChromeOS"}, {"Macintosh", "macOS"}, {"Linux", "Linux"}}
)

// maxUserAgent is how much of a User-Agent is kept. Each of a person's sessions and recent acts repeats it within
// the one record of the person.
const maxUserAgent = 256

// cutUserAgent is a User-Agent as it is kept: at most 256 bytes of plain ASCII, and none that JSON writes as six,
// for a person's record must stay below the store's limit whatever their browser calls itself.
func cutUserAgent(agent string) string {
	b := []byte(agent[:min(len(agent), maxUserAgent)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e || strings.IndexByte(`<>&"\`, c) >= 0 {
			b[i] = '?'
		}
	}
	return string(b)
}
