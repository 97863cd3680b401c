package audit

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// FuzzDecodeRecord proves that the decoders return what encoding/json returns.
func FuzzDecodeRecord(f *testing.F) {
	e, leaf := fixedEvent(), Leaf{Number: 1 << 40, Lane: LaneNoise}
	erased := fixedEvent()
	erased.erase()
	hostile := Event{At: time.Now(), Action: "a", Outcome: "o", Agent: "<&>\"\\\u2028\b\x7f é 🔧", Detail: map[string]string{"\"": "\t"}}
	for _, v := range []any{e, erased, hostile, leaf, Leaf{Body: &tlog.Hash{1}}} {
		raw, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, raw := range []string{`{"at":"2026-03-02T08:00:00Z","at":"2026-03-02T08:00:00Z"}`, `{"at":"2026-03-02T08:00:00Z","targets":[]}`, `{"number":01}`,
		`{"at":"2026-03-02T08:00:00Z","agent":"\ud83d\udd27"}`, `{"at":"2026-03-02T08:00:00Z","Agent":"x"}`, `{"number":1}x`, "{\"at\":\"2026-03-02T08:00:00Z\",\"agent\":\"\xff\"}",
		`{"at":"2026-03-02T08:00:00Z","detail":{"a":"1","a":"2"}}`, `{"at":"2026-03-02T08:00:00Z","detail":{}}`, `{"at":"2026-03-02T08:00:00Z","salt":""}`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, want Event
		if got.DecodeRecord(raw) {
			if err := json.Unmarshal(raw, &want); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%q: got %+v, want %+v, %v", raw, got, want, err)
			}
		}
		var leaf, wanted Leaf
		if leaf.DecodeRecord(raw) {
			if err := json.Unmarshal(raw, &wanted); err != nil || leaf != wanted {
				t.Errorf("%q: got %+v, want %+v, %v", raw, leaf, wanted, err)
			}
		}
	})
}

func TestDecodeRecord_KnowsWhatAppendWrites(t *testing.T) {
	e := fixedEvent()
	e.Agent = "<&>\"\\\u2028 é 🔧"
	for _, v := range []any{e, Event{At: leafTime, Action: "a", Outcome: "o"}} {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := new(Event); !got.DecodeRecord(raw) || !reflect.DeepEqual(*got, v) {
			t.Errorf("got %+v for %s", got, raw)
		}
	}
	for _, raw := range []string{`{"number":0}`, `{"number":1099511627776,"lane":2}`} {
		if !new(Leaf).DecodeRecord([]byte(raw)) {
			t.Errorf("%s was left to encoding/json", raw)
		}
	}
}
