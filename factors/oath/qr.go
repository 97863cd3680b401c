package oath

import (
	"fmt"
	"strconv"

	"github.com/skip2/go-qrcode"
)

// QR is a picture for one SVG path element: dark modules, to be painted on a light background.
//
//	<svg viewBox="0 0 {{.Size}} {{.Size}}" role="img"><title>…</title><path d="{{.Path}}"/></svg>
type QR struct {
	Size int    `json:"size"` // modules each way, with the quiet zone of four
	Path string `json:"path"` // the d attribute; one unit is one module
}

// draw returns the picture at level M: a 45-module symbol for an ordinary address.
func draw(text string) (QR, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return QR{}, fmt.Errorf("drawing a QR code of %d characters: %w", len(text), err)
	}
	rows := code.Bitmap() // with the quiet zone of ISO/IEC 18004 §6.3.8
	path := make([]byte, 0, 8<<10)
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			n := 1
			for x+n < len(row) && row[x+n] {
				n++
			}
			path = append(path, 'M')
			path = strconv.AppendInt(path, int64(x), 10)
			path = append(path, ' ')
			path = strconv.AppendInt(path, int64(y), 10)
			path = append(path, 'h')
			path = strconv.AppendInt(path, int64(n), 10)
			path = append(path, "v1h-"...)
			path = strconv.AppendInt(path, int64(n), 10)
			path = append(path, 'z')
			x += n
		}
	}
	return QR{Size: len(rows), Path: string(path)}, nil
}

// modulePixels is the size of one module of a PNG: 212 pixels each way for an ordinary address.
const modulePixels = 4

// PNG returns the QR code of a text as an image with a quiet zone.
func PNG(text string) ([]byte, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("drawing a QR code of %d characters: %w", len(text), err)
	}
	picture, err := code.PNG(-modulePixels) // a negative size is that of a module
	if err != nil {
		return nil, fmt.Errorf("encoding a QR code: %w", err)
	}
	return picture, nil
}
