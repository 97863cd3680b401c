package handover

import (
	"testing"
	"time"

	"barillet/store"
	"barillet/store/storetest"
)

func TestRecord_Golden(t *testing.T) {
	then := time.Date(2026, 3, 2, 8, 0, 0, 123456789, time.UTC)
	h := &Handover{ID: "uabc-def", User: "uabc", Login: "lea", Name: "Léa Vasseur", Group: "Garage du Port", By: "uboss", ByName: "Karim", Witness: "uwit", WitnessName: "Paul",
		Reason: "in the pit", State: StateConfirmed, At: then, Until: then}
	rec := record{Changed: then, Expires: then, Waiting: []waiting{{Key: "h1", Digits: "07", At: then, Until: then}}, Handover: h, SignIn: "h1", Wrong: 2, Begun: []time.Time{then}}
	storetest.Complete(t, rec)
	storetest.Golden(t, store.Handovers, nil, rec)
}
