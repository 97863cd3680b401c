package input

import "strings"

// DescribeUserAgent returns the browser and the system of a User-Agent, such as "Firefox, Android"; "" if it recognizes none.
// It helps users to recognize their browser. No rule may depend on it.
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

// The tokens are in order: most browsers also send the tokens of those below them.
var (
	browserTokens = [][2]string{{"Edg/", "Edge"}, {"EdgA/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}}
	systemTokens = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"},
		{"CrOS", "ChromeOS"}, {"Macintosh", "macOS"}, {"Linux", "Linux"}}
)

// maxUserAgent is the maximum size of a stored User-Agent in bytes.
const maxUserAgent = 256

// CutUserAgent returns the stored form of a User-Agent: at most 256 bytes of ASCII, without the characters that JSON escapes, so
// that a user record stays below the size limit of the store.
func CutUserAgent(agent string) string {
	b := []byte(agent[:min(len(agent), maxUserAgent)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e || strings.IndexByte(`<>&"\`, c) >= 0 {
			b[i] = '?'
		}
	}
	return string(b)
}
