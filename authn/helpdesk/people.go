package helpdesk

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"barillet/authn"
	"barillet/factors"
)

var errTODO = errors.New("being written")

// NewUser is a person to be made. Login, Email or both are given; the other takes its value.
type NewUser struct {
	Login, Email, Second string
	FirstName, LastName  string
	Profile              json.RawMessage
	Locale               string
	Groups               []authn.GroupID
	Role                 authn.Role // "": none. With Groups it is limited to them, but for SUPER_ADMIN
	Password             string     // by Machine or with Secrets only
}

// Invitation is what became of inviting somebody.
type Invitation struct {
	Sent    bool
	Link    authn.Secret // only when not mailed
	Expires time.Time
}

func (d *Desk) AddUser(ctx context.Context, op Operator, from authn.Origin, n NewUser, activate, sendEmail bool) (authn.User, Invitation, error) {
	return authn.User{}, Invitation{}, errTODO
}

func (d *Desk) Activate(ctx context.Context, op Operator, from authn.Origin, id string, sendEmail bool) (Invitation, error) {
	return Invitation{}, errTODO
}

func (d *Desk) User(ctx context.Context, op Operator, idOrLogin string) (authn.User, error) {
	return authn.User{}, errTODO
}

func (d *Desk) Users(ctx context.Context, op Operator, q authn.Query) ([]authn.User, string, error) {
	return nil, "", errTODO
}

func (d *Desk) Device(ctx context.Context, op Operator, id string, fid factors.DeviceID) (factors.Device, error) {
	return factors.Device{}, errTODO
}

func (d *Desk) RemoveDevice(ctx context.Context, op Operator, from authn.Origin, id string, fid factors.DeviceID) error {
	return errTODO
}
