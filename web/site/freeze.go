package site

import (
	"net/http"

	"barillet/authn/freeze"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
)

// FreezeChoices returns devices as the form that blocks one of them shows them.
func (s *Site) FreezeChoices(devices []factors.Device) []templates.Device {
	var out []templates.Device
	for _, d := range devices {
		m := s.Accounts.Method(d.Kind)
		choice := templates.Device{ID: string(d.ID), Name: d.Name, Slug: m.Slug, Input: string(m.Input)}
		for _, c := range d.Copies {
			choice.Copies = append(choice.Copies, templates.Copy{ID: c.ID, Name: c.Name})
		}
		out = append(out, choice)
	}
	return out
}

// ReadFrozenDevice reads the form that blocks a device, and returns the device that it names, or freeze.All.
func ReadFrozenDevice(r *http.Request) (factors.DeviceID, error) {
	f, err := ReadForm(r, "device")
	if err != nil {
		return "", err
	}
	switch f["device"] {
	case "":
		return "", errcode.New(errcode.NotFound)
	case "all":
		return freeze.All, nil
	}
	return factors.DeviceID(f["device"]), nil
}

// RenderNotFrozen renders the form again if nothing was frozen, because no administrator could sign in afterwards. It returns
// any other error.
func (s *Site) RenderNotFrozen(w http.ResponseWriter, err error, page func(*templates.Problem) templates.Page) error {
	if !errcode.HasReason(err, errcode.ReasonLastAdmin) {
		return err
	}
	return s.Render(w, http.StatusConflict, page(templates.NewProblem(templates.ProblemLastAdmin)))
}
