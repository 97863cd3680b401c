package authn

import "strings"

// BrowserName says in two words what a User-Agent is: "Firefox, Android". It is for people to recognise their
// own browser by; nothing is decided on it. "" when nothing is recognised.
func BrowserName(agent string) string {
	var parts []string
	for _, table := range [][][2]string{browserMarks, systemMarks} {
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
	browserMarks = [][2]string{{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}}
	systemMarks = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"},
		{"CrOS", "ChromeOS"}, {"Macintosh", "macOS"}, {"Linux", "Linux"}}
)
