package templates

// Freeze asks which device is lost, to block it. The user needs no second step for that.
//
//	GET, POST /login/freeze      device: an id, or "all"
//	GET, POST /account/freeze    the same
type Freeze struct {
	Base
	Action  string // path of the form
	Devices []Device
}

func (Freeze) Template() string { return "freeze" }

// FreezeLink is the page of the link in an email that blocks all devices. The GET changes nothing.
//
//	GET, POST /freeze/{token}    (no field)
type FreezeLink struct {
	Base
	Token string
	Login string // of the user whose devices are blocked; another user may be signed in
	Gone  bool   // the link is expired or used
}

func (FreezeLink) Template() string { return "freeze_link" }

// Frozen says that all devices are blocked and what to do next.
//
//	GET /freeze/done
type Frozen struct{ Base }

func (Frozen) Template() string { return "frozen" }

// DeviceUnfreeze ends the block of a device, after a step-up by one of Proofs.
//
//	GET, POST /account/devices/{id}/unfreeze    (no field)
type DeviceUnfreeze struct {
	Base
	Device Device
	Proofs []string // names of the devices that can end it; empty: only a reset can
}

func (DeviceUnfreeze) Template() string { return "device_unfreeze" }
