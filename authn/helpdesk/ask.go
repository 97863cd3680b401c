package helpdesk

import (
	"context"

	"barillet/authn"
)

// Form is the public help form as it was sent.
type Form struct {
	Email   string       // address or sign-in name, as typed
	Topic   string       // one of templates.Topics; "": the first
	Message string       // 1 to 4,000 characters
	Login   authn.Secret // a login under way in this browser; empty without one
}

func (d *Desk) Ask(ctx context.Context, from authn.Origin, f Form) (reference string, err error) {
	return "", errTODO
}

// AskForgotten opens a case for somebody who asked for a new password while having no usable device: what
// authn.Service.Forgot calls stuck (PROTOCOL 8). Nobody is told of it on the page.
func (d *Desk) AskForgotten(ctx context.Context, from authn.Origin, user authn.UserID) error {
	return errTODO
}
