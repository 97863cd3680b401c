package templates

// OnwardState is why a person does not get on to an application.
type OnwardState string

// The states of Onward.
const (
	OnwardGoing    OnwardState = ""
	OnwardDenied   OnwardState = "denied"    // it is for others
	OnwardNeedsKey OnwardState = "needs_key" // it asks for a YubiKey, and the person has none
)

// Onward leads from the sign-in to an application, or says why it does not. It is a page and not a redirect, for the
// rule of the sign-in's form holds for every hop behind it (FACTS H2).
type Onward struct {
	Base
	State       OnwardState
	Application string // as the person knows it: a host's name
	Link        string // where to go on to, with OnwardGoing
}

func (Onward) template() string { return "onward" }
