package helpdesk_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"barillet/authn/helpdesk"
)

// texts adds texts to a request. Each is written as its source and its message, such as "a1"; the sources of capital letters are
// known browsers. It returns those that the request keeps.
func texts(t *testing.T, c *helpdesk.Request, all ...string) string {
	t.Helper()
	for _, x := range all {
		if err := c.AddText(helpdesk.Text{Source: x[:1], Message: x, KnownBrowser: x[:1] < "a"}); err != nil {
			t.Fatal(err)
		}
	}
	var kept []string
	for _, x := range c.Texts {
		kept = append(kept, x.Message[:min(4, len(x.Message))])
	}
	return strings.Join(kept, " ")
}

// each returns one text of each source.
func each(sources string) (all []string) {
	for _, source := range sources {
		all = append(all, string(source)+"1")
	}
	return all
}

func TestTexts_ASourceDisplacesItsOwnFirst(t *testing.T) {
	c := helpdesk.Request{}
	texts(t, &c, slices.Concat([]string{"a1", "b1", "b2", "b3"}, each("cdefghijklmn"))...)
	if got, want := texts(t, &c, "a2"), "b1 b2 b3 c1 d1 e1 f1 g1 h1 i1 j1 k1 l1 m1 n1 a2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTexts_TheFirstSourcesKeepTheirLast(t *testing.T) {
	c := helpdesk.Request{}
	texts(t, &c, each("abcdefghijklmnop")...)
	if got, want := texts(t, &c, each("qrstuvwxyz")...), "a1 b1 c1 d1 o1 p1 q1 r1 s1 t1 u1 v1 w1 x1 y1 z1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTexts_TheSourceWithMostLosesItsOldest(t *testing.T) {
	c := helpdesk.Request{}
	texts(t, &c, slices.Concat(each("abcdef"), []string{"g1", "g2", "g3"}, each("hijklmn"))...)
	if got, want := texts(t, &c, "o1"), "a1 b1 c1 d1 e1 f1 g2 g3 h1 i1 j1 k1 l1 m1 n1 o1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The newest text comes from a source that has no other, while each other source keeps its last.
func TestTexts_TheNewestIsKept(t *testing.T) {
	for _, kind := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "aAbBcCdDeEfFgGhHiIjJkKlLmMnN"} {
		c := helpdesk.Request{}
		for _, x := range each(kind) {
			if got := texts(t, &c, x); !strings.HasSuffix(got, x) {
				t.Errorf("got %s, want %s at the end", got, x)
			}
		}
	}
}

func TestTexts_ATrustedTextLeavesTheOthers(t *testing.T) {
	c := helpdesk.Request{}
	texts(t, &c, each("abcdefghABCDEFGH")...)
	if got, want := texts(t, &c, "I1"), "a1 b1 c1 d1 e1 f1 g1 h1 A1 B1 C1 D1 F1 G1 H1 I1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c = helpdesk.Request{}
	texts(t, &c, each("ABCDEFGHabcdefgh")...)
	if got, want := texts(t, &c, "i1"), "A1 B1 C1 D1 E1 F1 G1 H1 a1 b1 c1 d1 f1 g1 h1 i1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Notes have filled the history, so few texts have space.
func TestTexts_TheNewestStaysBesideALongHistory(t *testing.T) {
	long := strings.Repeat("<é>", 1333)
	c := helpdesk.Request{History: []helpdesk.HistoryEntry{{Text: strings.Repeat("x", 22_000)}}}
	for _, x := range each("aABCD") {
		texts(t, &c, x+long)
	}
	if newest := c.Texts[len(c.Texts)-1].Message; newest != "D1"+long {
		t.Errorf("the newest trusted text has %d bytes, want all %d", len(newest), len(long)+2)
	}
	if got := texts(t, &c, "b1"+strings.Repeat("<", 4000)); !strings.HasSuffix(got, "b1<<") || !strings.Contains(got, "D1<") {
		t.Errorf("got %s, want the newest of both kinds", got)
	}
	if got := texts(t, &c, "E1"+strings.Repeat("<", 4000)); !strings.HasSuffix(got, "E1<<") {
		t.Errorf("got %s, want the newest, which has no space as a whole", got)
	}
}

// Long texts of both kinds share a record: neither takes the space of the other.
func TestTexts_LongOnesShareARecord(t *testing.T) {
	long := strings.Repeat("<é>", 1333)
	for _, order := range []string{"aABbCDcEFdGHefgh", "ABCDEFGHabcdefgh", "abcdefghABCDEFGH"} {
		c := helpdesk.Request{}
		for _, x := range each(order) {
			texts(t, &c, x+long)
			if newest := c.Texts[len(c.Texts)-1]; newest.KnownBrowser && newest.Message != x+long {
				t.Errorf("%s: the newest trusted text has %d bytes, want all %d", x, len(newest.Message), len(x+long))
			}
		}
		raw, err := json.Marshal(c)
		if err != nil || len(raw) > 52<<10 {
			t.Errorf("%s: got a record of %d bytes, %v", order, len(raw), err)
		}
		by := map[bool]int{}
		for _, x := range c.Texts {
			by[x.KnownBrowser]++
		}
		if by[true] == 0 || by[false] == 0 {
			t.Errorf("%s: got %s, want texts of both kinds", order, fmt.Sprint(by))
		}
	}
}
