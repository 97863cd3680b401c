package client

import (
	"testing"
	"time"

	"barillet/internal/throttle"
	"barillet/store"
)

// sweepInterval is how long an expired record may stay.
const sweepInterval = time.Minute

// within returns how many operations a limit allows while a record lives, after a pause.
func within(l throttle.Limit, ttl time.Duration) int {
	step := l.Per / time.Duration(l.Count)
	return l.Count + int((ttl+sweepInterval)/step)
}

func day(count int) throttle.Limit { return throttle.Limit{Count: count, Per: 24 * time.Hour} }

// What a stolen session or client secret can store in its lifetime fits into the ceilings, for the longest lifetimes that a client
// can have. Each authorization request and each request that continues one yields one code, each code one grant.
func TestCeilings_OfCodesAndTokensHoldForOneUserAndOneClient(t *testing.T) {
	codes := within(throttle.AuthorizeDay, maxRefreshTTL) + within(day(throttle.Application.Day), maxRefreshTTL)
	grantsInAnHour := within(throttle.AuthorizeDay, maxAccessTTL) + within(day(throttle.Application.Day), maxAccessTTL)
	for _, c := range []struct {
		name         string
		table        store.TableDef
		user, client int
	}{
		{"assertions", store.Assertions, 0, within(throttle.Assertions, maxAssertionTTL)},
		{"codes", store.Codes, codes, 0},
		{"grants", store.Grants, codes, 0},
		{"refresh tokens", store.Refreshes, codes + within(throttle.UserRefreshes, maxRefreshTTL), 0},
		{"access tokens", store.Accesses, grantsInAnHour + within(throttle.UserRefreshes, maxAccessTTL), within(throttle.ClientTokens, maxAccessTTL)},
	} {
		if of := c.table.Ceiling; c.user > of.Records || c.user > 0 && of.Per != store.PerUser || c.client > of.Clients {
			t.Errorf("%s: a user can store %d and a client %d, the ceiling is %+v", c.name, c.user, c.client, of)
		}
	}
}
