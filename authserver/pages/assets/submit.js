// The page has one form, which carries the answer to the application.
document.forms[0].submit();
