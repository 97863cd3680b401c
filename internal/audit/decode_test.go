package audit

import (
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzDecodeRecord proves that the decoders return what encoding/json returns.
func FuzzDecodeRecord(f *testing.F) {
	erased := fixedEvent()
	erased.erase()
	hostile := Event{Action: "a", Outcome: "o", Agent: "<&>\"\\\u2028\b\x7f é 🔧", Detail: map[string]string{"\"": "\t"}}
	for _, e := range []Event{fixedEvent(), erased, hostile, {Actor: Actor{Type: TypeUser}}} {
		raw, err := json.Marshal(NewRecord(e, Leaf{Number: 1 << 40, Lane: LaneNoise}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, raw := range []string{`{"n":1,"n":1,"c":"a"}`, `{"c":"a","t":[]}`, `{"n":01}`, `{"m":false}`, `{"c":"a","g":"\ud83d\udd27"}`, `{"c":"a","G":"x"}`,
		`{"n":1}x`, "{\"c\":\"a\",\"g\":\"\xff\"}", `{"d":{"a":"1","a":"2"}}`, `{"d":{}}`, `{"z":""}`} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got, want Record
		if got.DecodeRecord(raw) {
			if err := json.Unmarshal(raw, &want); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%q: got %+v, want %+v, %v", raw, got, want, err)
			}
		}
	})
}

func TestDecodeRecord_KnowsWhatAppendWrites(t *testing.T) {
	e := fixedEvent()
	e.Agent = "<&>\"\\\u2028 é 🔧"
	self := e
	self.Actor = Actor{TypeUser, e.Subject, e.SubjectName}
	for _, e := range []Event{e, self, {Action: "a", Outcome: "o"}} {
		want := NewRecord(e, Leaf{Number: 1 << 40, Lane: LaneNoise})
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := new(Record); !got.DecodeRecord(raw) || !reflect.DeepEqual(*got, want) {
			t.Errorf("got %+v for %s", got, raw)
		}
	}
}
