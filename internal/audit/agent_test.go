package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// A stored record has the places of the phrases.
func TestAgentPhrases_KeepTheirPlaces(t *testing.T) {
	const phrases = 27 // more may be added at the end, with another digest
	sum := sha256.Sum256([]byte(strings.Join(agentPhrases[:phrases], "\n")))
	if got := hex.EncodeToString(sum[:4]); got != "8cbd0bad" || len(agentPhrases) > 31 {
		t.Errorf("got %d phrases with the digest %s", len(agentPhrases), got)
	}
}

func TestRecord_ShortensTheUserAgent(t *testing.T) {
	for agent, most := range map[string]int{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36":                           5,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0":             10,
		"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36":                              8,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36":       70,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": 15,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15":                     8,
		"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0":                                                                    20,
		"Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0":                                                                      40,
		"curl/8.5.0":                        10,
		"":                                  0,
		strings.Repeat("Mozilla/5.0 (", 39): 39,
	} {
		r := NewRecord(Event{Agent: agent}, Leaf{})
		if len(r.Agent) > most {
			t.Errorf("%s: got %d bytes, want at most %d", agent, len(r.Agent), most)
		}
		if e, err := r.Event(leafID); err != nil || e.Agent != agent {
			t.Errorf("got %q, %v, want %q", e.Agent, err, agent)
		}
	}
}
