package static

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// Accent is the default accent colour.
const Accent = "#0b4f5c"

// Backgrounds of text in the accent colour. They equal those of barillet.css; a test compares them.
var (
	lightGround = colour{0xef, 0xed, 0xe8}
	lightPlate  = colour{0xff, 0xff, 0xff}
	darkPlate   = colour{0x1f, 0x23, 0x26}
	darkInk     = colour{0x0c, 0x15, 0x18} // text on an accent-coloured button in the dark
)

// minContrast is the minimum contrast of text (WCAG 2.2, 1.4.6).
const minContrast = 7.0

// colour is an sRGB colour with components from 0 to 255.
type colour [3]float64

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", uint8(math.Round(c[0])), uint8(math.Round(c[1])), uint8(math.Round(c[2])))
}

// parseColour parses "#rrggbb". It rejects every other text, because the colour is written to a style sheet.
func parseColour(s string) (colour, error) {
	digits, ok := strings.CutPrefix(s, "#")
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil || len(raw) != 3 {
		return colour{}, fmt.Errorf("accent colour %q: want # and six hexadecimal digits, as in %q", s, Accent)
	}
	return colour{float64(raw[0]), float64(raw[1]), float64(raw[2])}, nil
}

// mix returns a mixture of c and d. share is the share of d, from 0 to 1.
func (c colour) mix(d colour, share float64) colour {
	for i := range c {
		c[i] += (d[i] - c[i]) * share
	}
	return c
}

// luminance returns the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	part := func(v float64) float64 {
		v = math.Round(v) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c[0]) + 0.7152*part(c[1]) + 0.0722*part(c[2])
}

// contrast returns the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// withLightness returns the hue of c with a lightness from 0 (black) to 1 (white) and a saturation of at most 0.6.
func (c colour) withLightness(lightness float64) colour {
	high, low := max(c[0], c[1], c[2]), min(c[0], c[1], c[2])
	if high == low {
		return colour{255 * lightness, 255 * lightness, 255 * lightness}
	}
	saturation := (high - low) / (255 - math.Abs(high+low-255))
	chroma := (1 - math.Abs(2*lightness-1)) * min(saturation, 0.6)
	for i := range c {
		c[i] = 255 * (lightness + chroma*((c[i]-low)/(high-low)-0.5))
	}
	return c
}

// readable returns the first shade, with share from 0 to 1, that has minContrast on every background that on returns for it.
func readable(shade func(share float64) colour, on func(colour) []colour) colour {
	for share := 0.0; share < 1; share += 0.01 {
		c, fine := shade(share), true
		for _, ground := range on(c) {
			fine = fine && contrast(c, ground) >= minContrast
		}
		if fine {
			return c
		}
	}
	return shade(1)
}

// brandSheet returns a style sheet with the accent colour for light and dark mode.
func brandSheet(accent string) ([]byte, error) {
	if accent == "" {
		accent = Accent
	}
	c, err := parseColour(accent)
	if err != nil {
		return nil, err
	}
	black, white := colour{}, lightPlate
	tintLight := func(c colour) colour { return lightPlate.mix(c, 0.11) }
	tintDark := func(c colour) colour { return darkPlate.mix(c, 0.08) }
	light := readable(func(share float64) colour { return c.mix(black, share) },
		func(c colour) []colour { return []colour{lightGround, tintLight(c)} })
	dark := readable(c.withLightness, func(c colour) []colour { return []colour{darkPlate, tintDark(c)} })
	const rule = ":root{--accent:%s;--on-accent:%s;--accent-ground:%s}"
	sheet := fmt.Sprintf(rule+"\n@media (prefers-color-scheme:dark){"+rule+"}\n",
		light, white, tintLight(light), dark, darkInk, tintDark(dark))
	return []byte(sheet), nil
}
