package templates

// field is the data of the part "field", which renders one labelled field. Templates make it with newField.
type field struct {
	Name, Label, Type, Value, Hint, Complete, Mode, Min string
	Max                                                 int
	Optional, Focus                                     bool
	Error                                               *Message
	Beside                                              bool // Error differs from the summary at the top, so it is shown beside the field
}

// newField returns a field. options are pairs of a name and a value. The names are "type", "value", "hint", "complete",
// "mode", "min", "optional" and "focus". A new password has "min", its minimum length: the page states how strong the typed one is.
func newField(b Base, name, label string, options ...string) field {
	f := field{Name: name, Label: label, Type: "text", Max: 254}
	if b.Problem != nil {
		if m, ok := b.Problem.Fields[name]; ok {
			f.Error, f.Beside = &m, m.Key != b.Problem.Key
		}
	}
	for i := 0; i+1 < len(options); i += 2 {
		switch v := options[i+1]; options[i] {
		case "type":
			f.Type = v
		case "value":
			f.Value = v
		case "hint":
			f.Hint = v
		case "complete":
			f.Complete = v
		case "mode":
			f.Mode = v
		case "min":
			f.Min = v
		case "optional":
			f.Optional = true
		case "focus":
			f.Focus = true
		}
	}
	if typed, ok := b.Typed[name]; ok {
		f.Value = typed
	}
	return f
}
