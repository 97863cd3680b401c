package templates

import (
	"strings"

	"barillet/internal/notice"
)

func composeDevicesFrozen(n notice.DevicesFrozen, c *translator, w composer) message {
	m := w.begin(c, n.Context, "devices_frozen")
	if n.By != "" {
		m.Lines = append(m.Lines, c.text("mail.devices_frozen_by", "By", n.By))
	}
	if len(n.Devices) > 0 {
		m.Lines = append(m.Lines, c.text("mail.devices_frozen_text", "Devices", strings.Join(n.Devices, ", ")))
	}
	switch {
	case n.All:
		m.Lines = append(m.Lines, c.text("mail.devices_frozen_all"))
	case len(n.Devices) == 0:
		m.Lines = append(m.Lines, c.text("mail.devices_frozen_codes"))
	default:
		m.Lines = append(m.Lines, c.text("mail.devices_frozen_one"))
	}
	return m.notYou(c, w, "mail.not_expected")
}

func composeDeviceUnfrozen(n notice.DeviceUnfrozen, c *translator, w composer) message {
	m := w.begin(c, n.Context, "device_unfrozen")
	m.Lines = []string{c.text("mail.device_unfrozen_text", "Device", n.Device)}
	return m.notYou(c, w, "mail.not_you")
}

func composeCodesStopped(n notice.CodesStopped, c *translator, w composer) message {
	m := w.begin(c, n.Context, "codes_stopped")
	m.Lines = []string{c.text("mail.codes_stopped_text", "N", n.Count), c.text("mail.codes_stopped_next")}
	return m.notYou(c, w, "mail.not_you_codes")
}

func composePasswordExposed(n notice.PasswordExposed, c *translator, w composer) message {
	m := w.begin(c, n.Context, "password_exposed")
	m.Lines = []string{c.text("mail.password_exposed_text", "N", n.Count), c.text("mail.password_exposed_next")}
	return m.notYou(c, w, "mail.not_expected")
}
