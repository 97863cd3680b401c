package console_test

func galleryRequests(lang string) []sample { return nil }
