package console_test

func galleryPeople(lang string) []sample { return nil }
