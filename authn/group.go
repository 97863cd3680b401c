package authn

import "time"

// Group is a garage.
type Group struct {
	ID          GroupID   `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Created     time.Time `json:"created"`
	Changed     time.Time `json:"changed"`
}
