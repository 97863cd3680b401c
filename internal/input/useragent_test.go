package input_test

import (
	"testing"

	"barillet/internal/input"
)

func TestDescribeUserAgent(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0":                                                                    "Firefox, Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0":               "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari, iPhone",
		"curl/8.5.0": "", "": "",
	} {
		if got := input.DescribeUserAgent(agent); got != want {
			t.Errorf("%q: got %q, want %q", agent, got, want)
		}
	}
}
