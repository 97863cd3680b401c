package session_test

import (
	"testing"
	"time"

	"barillet/authn/session"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRecords_Golden(t *testing.T) {
	then := time.Date(2026, 3, 2, 8, 0, 0, 123456789, time.UTC)
	browser := session.Browser{Since: then, User: "uabc", Shared: true, Users: 2}
	forward := session.ForwardSession{User: "uabc", Session: "h1", Host: "wiki.garage.example", State: "s1", Made: then, Expires: then}
	storetest.Complete(t, browser)
	storetest.Complete(t, forward)
	storetest.Golden(t, store.Browsers, nil, browser)
	storetest.Golden(t, store.Forwards, nil, forward)
}
