package oath

import (
	"encoding/json"
	"fmt"
	"slices"

	"barillet/factors"
)

// ReadRecord decodes the data of a device. It returns the zero record if the data is not that of an enrolment: if it is
// not JSON or check returns an error.
func ReadRecord[R any](d factors.Device, check func(*R) error) (R, error) {
	var r, zero R
	err := json.Unmarshal(d.Data, &r)
	if err == nil {
		err = check(&r)
	}
	if err != nil {
		return zero, fmt.Errorf("reading the secret of device %q: %w", d.ID, err)
	}
	return r, nil
}

// WriteRecord returns the device as it must now be stored, with the record as its data.
func WriteRecord(d factors.Device, record any) (factors.Device, error) {
	data, err := json.Marshal(record)
	if err != nil {
		return factors.Device{}, fmt.Errorf("writing the secret of device %q: %w", d.ID, err)
	}
	d.Data, d.Copies = data, slices.Clone(d.Copies)
	return d, nil
}
