package webauthn

import (
	"slices"

	"barillet/factors"
)

// maxCounters is the number of accepted counters that a record keeps. More answers can be accepted while one ceremony is
// open only if they come from many browsers within minutes (protocol rule 17).
const maxCounters = 16

// counter returns the highest accepted counter, which is the stored one of WebAuthn L3 §7.2 step 22.
func (r *record) counter() uint32 { return r.Counters[len(r.Counters)-1] }

// addCounter accepts the counter of an answer, or returns why it does not (WebAuthn L3 §7.2 step 22). Answers of ceremonies
// that are open at the same time can overtake each other. So a counter must be above begun, the one at which the
// ceremony began, and different from each accepted since. Otherwise two keys count: one is a clone. A counter that is
// too old to be compared is ReasonExpired. Many keys have no counter, and always send zero.
func (r *record) addCounter(begun, n uint32) factors.Reason {
	if n == 0 && r.counter() == 0 {
		return factors.ReasonNone
	}
	at, accepted := slices.BinarySearch(r.Counters, n)
	switch {
	case n <= begun || accepted:
		return factors.ReasonClone
	case at == 0:
		return factors.ReasonExpired
	}
	r.Counters = slices.Insert(slices.Clone(r.Counters), at, n)
	r.Counters = r.Counters[max(0, len(r.Counters)-maxCounters):]
	return factors.ReasonNone
}
