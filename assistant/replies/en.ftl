# The English replies. Keep the names of the messages; the words are yours to change. Every message may speak differently
# by { $stage }: lead, prospect, customer or at_risk; a message with { $n } may speak differently by number.

## Questions
ask-order-number = What is the order number, please? For example { $example }.
ask-order-number-of-list = To find your orders I need the number of one of them, please; for example { $example }.
ask-product = Which product would you like the stock of? A name or a code will do, for example "cement" or { $example }.
ask-product-to-order = Which product shall I order? Its exact name or its code, please, for example { $example }.
ask-which-product-to-order = Which { $name } shall I order? Its exact name or its code, please, for example { $example }.
ask-quantity = How many would you like? A number will do, for example 20.
ask-customer = Which customer is it for? The customer's number, please.
ask-phone = What is your phone number, please? For example 09123456789.
ask-email = What is your e-mail address, please?
ask-delivery-date = Which day should it be delivered on? Or write "it does not matter".
ask-invoice-number = What is the invoice number, please?
ask-ticket-number = What is the ticket number, please?
ask-purchase-order-number = What is the number of the purchase order, please?
ask-amount = What is the amount, please, in Toman or in Rial?
ask-national-id = What is your national id, please? It has 10 digits.
ask-legal-id = What is the company's national id, please? It has 11 digits.
ask-iban = What is the account's Sheba number, please? For example { $example }.
ask-card = What is the card number, please? It has 16 digits.
ask-person = What is the person's full name, please?
ask-leave-kind = Which kind of leave would you like: annual, sick, unpaid or hourly?
doubt-not-understood = I am sorry, I did not understand that.
doubt-not-understood-phone = I am sorry, I could not understand you. A colleague can call you: what is your phone number, please?
doubt-not-valid = There seems to be a mistake in it. Please check it and write it again.
doubt-not-valid-national-id = The check digit of this national id does not fit. Please check its 10 digits and write it again.
doubt-not-valid-legal-id = The check digit of this company id does not fit. Please check its 11 digits and write it again.
doubt-not-valid-iban = The check digits of this Sheba number do not fit. Please check it, IR and its 24 digits, and write it again.
doubt-not-valid-card = The check digit of this card number does not fit. Please check its 16 digits and write it again.
choose-two = Which one do you mean: { $first } or { $second }?
choose-unit = Do you mean { $first } or { $second }?
choose-many = Which one do you mean? Please write its number.
choice-line = { $place }) { $label }
doubt-no-such-day = There is no such day in the calendar. Which day should it be delivered on? Or write "it does not matter".
doubt-day-out-of-reach = That day is over, or more than two years away. Which day should it be delivered on? Or write "it does not matter".
doubt-not-one-day = One day for the delivery, please, such as "Saturday" or "1 December"; or write "it does not matter".
doubt-one-of-choices = Which day should it be delivered on: { $first } or { $second }? Or write "it does not matter".
ask-description = What is it about? Please describe it in your own words, in one message of at most 1,000 letters.

## Small talk
greeting =
    { $stage ->
        [prospect] Hello and welcome! Whenever you would like to order, just write so.
        [customer] Hello! How can I help?
        [at_risk] Hello! I am sorry for the trouble you have had. If you like, a colleague can call you: just write "please call me back".
       *[lead] Hello and welcome! I can tell you where an order is, list orders, check stock, place an order, open a case and arrange a call.
    }
farewell =
    { $stage ->
        [prospect] Goodbye, have a nice day. Whenever you would like to order, just write to me here.
        [customer] Goodbye, have a nice day.
        [at_risk] Once more, I am sorry for the trouble. If you like, a colleague can call you: just write "please call me back". Goodbye.
       *[lead] Goodbye, have a nice day. You can ask me about orders and stock at any time.
    }
thanks =
    { $stage ->
        [prospect] You are welcome. Whenever you would like to order, just write so.
        [customer] You are welcome.
        [at_risk] I am sorry for the trouble, and thank you for your patience. If you like, a colleague can call you: just write "please call me back".
       *[lead] You are welcome. You can also ask me about orders and stock, at any time.
    }
help =
    You can ask me:
    • Where is order { $order }?
    • Other orders of the customer of order { $order }
    • How much { $product } is in stock?
    • Place a new order
    • I want to file a complaint
    • Please call me back
cancelled = All right, I have dropped it. Let me know if there is anything else.
clarify = Do you mean { $first } (1) or { $second } (2)?
clarify-many = Which of these do you mean? Please write its number.
clarify-nothing = I am not sure what you mean. Could you say it in other words?
nothing-asked = Nothing waits for your yes or no just now. What can I do for you?
restarted = All right, we begin anew. What can I do for you?
not-connected = I understood: you ask about { $label }. No system is connected here for that yet. If you like, a colleague can call you: just write "please call me back".
not-connected-unnamed = I understood you, but no system is connected here for that yet. If you like, a colleague can call you: just write "please call me back".
under-way = I have noted your request, and what I know of it stands above. I will tell you here as soon as there is something new.
out-of-scope =
    { $stage ->
        [prospect] I am sorry, that is not something I can do. But I can place an order for you: just write so.
        [customer] I am sorry, that is not something I can do. Write "help" to see what is.
        [at_risk] I am sorry for the trouble, and that is not something I can do. If you like, a colleague can call you: just write "please call me back".
       *[lead] I am sorry, that is not something I can do. I can tell you where an order is, list orders, check how much of a product is in stock, place an order, open a case for our customer service and arrange a call.
    }

## Back to what was under way
resume-order-status = Back to the order you asked about:
resume-order-list = Back to the list of orders:
resume-stock = Back to the stock you asked about:
resume-sales-order = Back to your order:
resume-case = Back to your case:
resume-callback = Back to the call:

## A write
confirm-sales-order = Shall I order { $quantity } × { $product } for customer { $customer }?
confirm-sales-order-for-day = Shall I order { $quantity } × { $product } for customer { $customer }, to be delivered on { $date }?
confirm-case = Shall I open a case with our customer service saying "{ $description }"?
confirm-case-of-order = Shall I open a case with our customer service about order { $order } saying "{ $description }"?
confirm-callback = Shall I ask our colleagues to call you at { $phone }?
confirm-amount = The amount is { $amount }.
confirm-yes-or-no = Please answer yes or no.
number-in-words = { $number } ({ $words })
write-accepted = I have noted your request under { $tracking } and will tell you here as soon as it is done.
write-refused = Request { $tracking } was not accepted, so nothing was done. Please check what you asked for.
write-failed = I am sorry, request { $tracking } could not be carried out until now. Nothing was done; our colleagues take care of it.
write-unknown = I am sorry, I do not know for certain whether request { $tracking } was carried out. Our colleagues are looking into it; please do not ask for it again.
case-done = Done: your case has the number { $number } (request { $tracking }). Our customer service takes care of it.
callback-done = Done: our colleagues have your request and will call you (request { $tracking }).
sales-order-done = Done: your order has the number { $number } (request { $tracking }).

## An order
order-open = Order { $number } is placed; nothing of it has been delivered yet.
order-partly-delivered = Order { $number } is partly delivered.
order-delivered = Order { $number } is fully delivered.
order-rejected = Order { $number } was cancelled.
order-unknown = Order { $number } is placed, but I do not know how far it is.
order-item = • { $name }: { $quantity } { $unit }, { $delivered } { $delivered_unit } delivered
order-more-items =
    { $n ->
        [one] • and { $count } more item
       *[other] • and { $count } more items
    }
order-delivery = Delivery of the rest: { $date }
order-delivery-open = Delivery: { $date }
order-amount = Amount: { $amount }
order-not-found = I could not find an order with number { $number }. Please check the number.
found-before =
    { $stage ->
        [prospect] { "" }
        [customer] { "" }
        [at_risk] I am sorry for the trouble you have had.
       *[lead] { "" }
    }
order-after =
    { $stage ->
        [prospect] If you would like to order more, just write so.
        [customer] { "" }
        [at_risk] If you like, a colleague can call you about it: just write "please call me back".
       *[lead] You can also ask me what is in stock.
    }

## A list of orders
list-head = The latest orders of the customer of order { $number }:
list-line = • { $number }, { $date }, { $progress }, { $amount }
list-head-more = More orders of the customer of order { $number }:
list-more =
    { $n ->
        [one] … and { $count } more order; write "more" to see it.
       *[other] … and { $count } more orders; write "more" to see them.
    }
list-more-at-least = … and at least { $count } more orders; write "more" to see them.
list-end = That was all; there are no more orders to show.
list-end-older = There are older orders too, which I cannot show here; our sales team can tell you about them.
list-empty = I found no other orders of the customer of order { $number }.
progress-open = not delivered yet
progress-partly-delivered = partly delivered
progress-delivered = delivered
progress-rejected = cancelled
progress-unknown = progress unknown

## Stock
stock-head = Stock of { $name } ({ $product }):
stock-line = • { $plant }: { $quantity } { $unit }
stock-total = Total: { $quantity } { $unit }
stock-none = { $name } ({ $product }) is out of stock in every warehouse at the moment.
stock-more =
    { $n ->
        [one] { $count } more product matches; write a more exact name or code and I will look that one up.
       *[other] { $count } more products match; write a more exact name or code and I will look that one up.
    }
stock-not-found = I could not find a product named or coded { $product }. Please check the name or code.
stock-after =
    { $stage ->
        [prospect] If you would like to order it, just write so.
        [customer] { "" }
        [at_risk] If you like, a colleague can call you about it: just write "please call me back".
       *[lead] You can also ask me where an order is.
    }

## When it does not work
failed-unavailable = I am sorry, the order system is not answering at the moment. Please ask again in a few minutes.
failed-slow = I am sorry, the order system did not answer in time. Please ask again a little later.
failed-busy = The order system is busy at the moment. Please ask again in a few minutes.
failed-misconfigured = I am sorry, I have no access to the order system at the moment. The fault is on our side and our colleagues have to mend it.
failed-unreadable = I am sorry, I could not make sense of the order system's answer, and I do not want to guess. Please ask again later.

## Units: the system's code, the name behind a number
unit-ST = pcs
unit-PC = pcs
unit-EA = pcs
unit-BAG = { $n ->
        [one] bag
       *[other] bags
    }
unit-KG = kg
unit-G = g
unit-TO = t
unit-M = m
unit-M2 = m²
unit-M3 = m³
unit-L = l
unit-CAN = { $n ->
        [one] can
       *[other] cans
    }
unit-ROL = { $n ->
        [one] roll
       *[other] rolls
    }
unit-SET = { $n ->
        [one] set
       *[other] sets
    }
unit-PKT = { $n ->
        [one] pack
       *[other] packs
    }
unit-CAR = { $n ->
        [one] carton
       *[other] cartons
    }

## Warehouses: the system's code, the name
-tehran = Tehran
-isfahan = Isfahan
-mashhad = Mashhad
plant-1010 = { -tehran }
plant-1020 = { -isfahan }
plant-1030 = { -mashhad }
plant-other = Warehouse { $code }

## What an intent is called: it stands behind "do you mean" and "you ask about"
intent-order_status = the status of an order
intent-order_list = a list of orders
intent-sales_order_create = a new order
intent-order_change = a change to an order
intent-order_cancel = the cancellation of an order
intent-stock_level = what is in stock
intent-price_inquiry = the price of a product
intent-invoice_status = the status of an invoice
intent-payment_status = the status of a payment
intent-purchase_order_status = the status of a purchase order
intent-purchase_history = earlier purchases
intent-case_create = a new complaint
intent-ticket_status = the status of a ticket
intent-callback_request = a call from a colleague
intent-conversation_history = earlier conversations
intent-contact_update = a change of your contact data
intent-lead_create = a new sales lead
intent-opportunity_status = the status of a sales opportunity
intent-leave_request = a request for leave
intent-leave_balance = the leave you have left
intent-mission_request = a business trip
intent-management_report = a management report
intent-human = a talk with a colleague
intent-greeting = a greeting
intent-farewell = a goodbye
intent-thanks = thanks
intent-help = what I can do
intent-cancel = dropping what is under way
