package outbound_test

import (
	"errors"
	"net/netip"
	"testing"

	"barillet/internal/outbound"
)

func TestPublic(t *testing.T) {
	public := []string{"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
		"198.20.0.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "168.63.129.15", "2001:200::1", "2606:4700:4700::1111", "2a00:1450::1",
		"2001:db7::1", "2003::1", "3ffe::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"}
	private := []string{"0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.1",
		"127.255.255.254", "168.63.129.16", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192",
		"192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.9",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::1.1.1.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1.1.1.1", "64:ff9b::1:101:101",
		"100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1", "2001:db8::1",
		"2002:7f00:1::1", "2002:101:101::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%eth0",
		"fec0::1", "ff02::1", "ffff::1"}
	for _, text := range public {
		if !outbound.Public(netip.MustParseAddr(text)) {
			t.Errorf("%s: got private, want public", text)
		}
	}
	for _, text := range private {
		if outbound.Public(netip.MustParseAddr(text)) {
			t.Errorf("%s: got public, want private", text)
		}
	}
	if outbound.Public(netip.Addr{}) {
		t.Error("invalid address: got public, want private")
	}
}

func TestCheck(t *testing.T) {
	allowed, err := outbound.ParseAllowed([]string{"Hooks.Garage.local", "10.1.0.0/16", "fd12::/16", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	plain, open := outbound.New(outbound.Config{}), outbound.New(outbound.Config{Allowed: allowed})
	tests := []struct {
		address   string
		plain, op bool // allowed by default, and with the set above
	}{
		{"https://hooks.example.com/in?key=1", true, true},
		{"https://hooks.example.com:443", true, true},
		{"https://hooks.example.com:8443/", true, true},
		{"https://hooks.example.com:22/", false, false},
		{"https://hooks.example.com:0/", false, false},
		{"https://hooks.example.com:/", false, false},
		{"https://hooks.example.com:99999/", false, false},
		{"http://hooks.example.com/", false, false},
		{"https://1.1.1.1/", true, true},
		{"https://[2606:4700:4700::1111]/", true, true},
		{"https://hooks.garage.local/", true, true}, // the resolved address is checked later
		{"https://HOOKS.garage.local./", true, true},
		{"http://hooks.garage.local/", false, true},
		{"https://hooks.garage.local:25/", false, true},
		{"http://other.garage.local/", false, false},
		{"https://10.1.2.3/", false, true},
		{"http://10.1.2.3:81/", false, true},
		{"https://10.2.0.1/", false, false},
		{"https://[::ffff:10.1.2.3]/", false, true},
		{"https://[64:ff9b::10.1.2.3]/", false, true},
		{"https://[fd12::1]/", false, true},
		{"https://127.0.0.1:8080/", false, true},
		{"https://127.0.0.2/", false, false},
		{"https://169.254.169.254/latest/meta-data/", false, false},
		{"https://[fe80::1%25eth0]/", false, false},
		{"https://localhost/", false, false},
		{"https://LOCALHOST./", false, false},
		{"https://a.localhost/", false, false},
		{"https://2130706433/", false, false},
		{"https://127.1/", false, false},
		{"https://0x7f000001/", false, false},
		{"https://0177.0.0.1/", false, false},
		{"https://example.com%2f@10.1.2.3/", false, false},
		{"https://user:password@hooks.example.com/", false, false},
		{"https://hooks.example.com/#part", false, false},
		{"https://hooks.example.com/#", false, false},
		{"https://hook s.example.com/", false, false},
		{"https://höoks.example.com/", false, false},
		{"https://１２７.0.0.1/", false, false},
		{"https:///path", false, false},
		{"https:hooks.example.com", false, false},
		{"//hooks.example.com/", false, false},
		{"ftp://hooks.garage.local/", false, false},
		{"gopher://hooks.example.com/", false, false},
		{"file:///etc/passwd", false, false},
		{"", false, false},
		{"https://hooks.example.com/\r\nHost: other", false, false},
		{"https://hooks.example.com/" + string(make([]byte, outbound.MaxURL)), false, false},
	}
	for _, test := range tests {
		for _, c := range []struct {
			client *outbound.Client
			want   bool
			set    string
		}{{plain, test.plain, "by default"}, {open, test.op, "with the allowed set"}} {
			u, err := c.client.Check(test.address)
			if got := err == nil; got != c.want {
				t.Errorf("%.60q %s: got %v, want allowed %v", test.address, c.set, err, c.want)
			}
			if err != nil && (!errors.Is(err, outbound.ErrForbidden) || u != nil) {
				t.Errorf("%.60q: got %v, %v, want ErrForbidden", test.address, u, err)
			}
		}
	}
}

func TestParseAllowed_RejectsInvalidEntries(t *testing.T) {
	for _, wrong := range []string{"", "https://hooks.garage.local", "hooks.garage.local:8443", "10.0.0.1/8", "10.0.0.0/33", "*.garage.local", "127.1",
		"-a.local", "a..local", "fe80::1%eth0", "::ffff:10.0.0.0/104", "käse.local"} {
		if _, err := outbound.ParseAllowed([]string{"ok.local", wrong}); err == nil {
			t.Errorf("%q: no error", wrong)
		}
	}
}
