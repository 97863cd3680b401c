package setup_test

import (
	"testing"
	"time"

	"barillet/authn/account/setup"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRecord_Golden(t *testing.T) {
	then := time.Date(2026, 3, 2, 8, 0, 0, 123456789, time.UTC)
	record := setup.Record{Link: "h1", Made: then, Expires: then.Add(time.Hour), Ended: then}
	storetest.Complete(t, record)
	storetest.Golden(t, store.Setup, nil, record)
}
