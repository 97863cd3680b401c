package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// Complete fails for each exported field of sample that is zero, so that a golden file contains all fields of its record.
func Complete(t *testing.T, sample any) {
	t.Helper()
	v := reflect.ValueOf(sample)
	complete(t, v.Type().Name(), v)
}

func complete(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch {
	case v.IsZero():
		t.Errorf("the sample has no %s", path)
	case v.Kind() == reflect.Pointer:
		complete(t, path, v.Elem())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			complete(t, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				complete(t, path+"."+f.Name, v.Field(i))
			}
		}
	}
}
