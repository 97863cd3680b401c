package helpdesk

import (
	"time"

	"barillet/authn"
)

// Operator is who acts on others. The zero value may do nothing.
type Operator struct {
	ID      string          // "token:<id>", "operator:<uid>"
	Name    string          // of the token or the unix user
	Owner   string          // user id or "operator:<uid>": self, hands and second administrator are judged by owner
	Role    authn.Role      // what it may do
	Groups  []authn.GroupID // the scope; nil: everybody; empty and not nil: nobody (PROTOCOL 21)
	Machine bool            // at the socket or the closed folder: the machine's owner
	Secrets bool            // answers may hold links (PROTOCOL 20)
	Authn   bool            // may use the sign-in for programs

	expires time.Time // of the token; zero: never
}
