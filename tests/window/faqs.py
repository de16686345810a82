"""Files of the journey: a messy table and a clean one."""

# Answers with their questions. Umlauts and quotes test the parser.
ANSWERS = [
    ("We are open from 9 to 18 on weekdays; closed on Sundays.", [
        "When are you open?", "What are your opening hours?",
        "Until what time can I come by?", "Are you closed on Sundays?"]),
    ("Call Mrs Müller at the front desk, extension 12.", [
        "Who do I call about a lost parcel?", "My parcel is gone, whom can I ask?",
        "Is there a number for missing parcels?", "How do I reach Mrs Müller?"]),
    ("You may return goods within 30 days, in the box they came in.", [
        "Can I send things back?", "How long may I return an item?",
        "What if I do not like what I bought?", "Do you take goods back?"]),
    ("Write \"urgent\" on the form and we ship it the same day.", [
        "How do I get it faster?", "Can you ship the same day?",
        "Is there express delivery?", "What if I need it \"right now\"?"]),
    ("We deliver to Köln, Zürich and Århus.", [
        "Where do you deliver?", "Do you ship to Zürich?",
        "Which cities do you send to?", "Can I order from Köln?"]),
    ("Delivery costs 4.90 €; from 50 € on it is free.", [
        "How much is delivery?", "What does shipping cost?",
        "When is shipping free?", "Do I pay for the parcel?"]),
    ("Pay by card, by invoice or in cash at the counter.", [
        "How can I pay?", "Do you take credit cards?",
        "May I pay in cash?", "Can I get an invoice?"]),
    ("Reset it on the login page with \"Forgot password\".", [
        "I forgot my password", "How do I get a new password?",
        "I cannot log in any more", "Where can I reset my login?"]),
    ("The guarantee lasts two years from the day of purchase.", [
        "How long is the guarantee?", "Is there a warranty?",
        "It broke after a year, what now?", "Does the warranty cover repairs?"]),
    ("Gift cards are at the counter, from 10 € to 200 €.", [
        "Do you sell gift cards?", "Where do I get a voucher?",
        "Can I give a friend a voucher?", "What is the largest gift card?"]),
    ("The café on the first floor serves crème brûlée until 17.", [
        "Is there something to eat?", "Where is the café?",
        "Can I have coffee here?", "Do you serve dessert?"]),
    ("Park behind the house; the first hour is free.", [
        "Where can I park?", "Is parking free?",
        "Do you have a car park?", "How much is an hour of parking?"]),
]
# A row without an answer.
WITHOUT_ANSWER = "Do you have a branch in Düsseldorf?"
# An unclosed quote.
UNCLOSED = ("Who is in charge?", "Ask for the \"Filialleiter, please")
NAME = "Häufige Fragen.csv"
PROJECT = "Häufige Fragen"

SECOND = [
    ("Bring the dog along, on a lead.", ["May my dog come in?", "Are dogs allowed?"]),
    ("There is free wifi; the name is Shop-Guest.", ["Is there wifi?", "How do I get online?"]),
]


def quoted(cell):
    """A cell as spreadsheets export it."""
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(';"\n') else cell


def messy():
    """Semicolons, Windows-1252, quotes; a row without an answer, one with an unclosed quote."""
    rows = [(question, answer) for answer, asked in ANSWERS for question in asked]
    lines = ["Frage;Antwort"] + [";".join(map(quoted, row)) for row in rows]
    lines.insert(20, WITHOUT_ANSWER + ";")
    lines.insert(34, UNCLOSED[0] + ';"' + UNCLOSED[1].replace('"', '""'))
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def second():
    """A clean table."""
    rows = [(question, answer) for answer, asked in SECOND for question in asked]
    lines = ["question,answer"] + [f'"{question}","{answer}"' for question, answer in rows]
    return ("\n".join(lines) + "\n").encode()
