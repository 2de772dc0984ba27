# The English replies. Keep the names of the messages; the words are yours to change.

## Questions
ask-order-number = What is the order number, please? For example { $example }.
ask-product = Which product would you like the stock of? A name or a code will do, for example "cement" or { $example }.
ask-product-to-order = Which product shall I order? Its exact name or its code, please, for example { $example }.
ask-quantity = How many of it?
ask-customer = For which customer? The customer's number, please.
ask-phone = What is your phone number, please?
ask-email = What is your e-mail address, please?
ask-delivery-date = For which day, please?
ask-invoice-number = What is the invoice number, please?
ask-ticket-number = What is the ticket number, please?
ask-purchase-order-number = What is the number of the purchase order, please?
ask-amount = Which amount, in Toman or Rial?
ask-national-id = What is your national id (10 digits), please?
ask-legal-id = What is the company's national id (11 digits), please?
ask-iban = What is the account's Sheba number, please? It is IR and 24 digits.
ask-card = What is the card number (16 digits), please?
ask-person = What is the person's name, please?
ask-leave-kind = Which kind of leave?
doubt-no-such-day = There is no such day in the calendar. Which day should it be delivered on? Or write "it does not matter".
doubt-day-out-of-reach = That day is over, or more than two years away. Which day should it be delivered on? Or write "it does not matter".
doubt-not-one-day = One day for the delivery, please, such as "Saturday" or "1 December"; or write "it does not matter".
doubt-one-of-choices = Which day should it be delivered on: { $first } or { $second }? Or write "it does not matter".
ask-description = What is it about? Please describe it in your own words, in one message of at most 1,000 letters.

## Small talk
greeting = Hello and welcome! I can tell you where an order is, list orders, check stock, place an order, open a case and arrange a call.
farewell = Goodbye, have a nice day.
thanks = You are welcome. I am here if you need anything else.
help =
    You can ask me:
    • Where is order { $order }?
    • Other orders of the customer of order { $order }
    • How much { $product } is in stock?
    • Place a new order
    • I want to file a complaint
    • Please call me back
cancelled = All right, I have dropped it. Let me know if there is anything else.
clarify = Which of these do you mean?
nothing-asked = There is nothing that waits for your yes or no. What can I do for you?
restarted = All right, let us begin anew. What can I do for you?
not-connected = I understood you, but this is not connected to a system here yet.
under-way = Your request is noted; I tell you here as soon as there is something new.
out-of-scope = I am sorry, that is not something I can do. I can tell you where an order is, list orders, check how much of a product is in stock, place an order, open a case for our customer service and arrange a call.

## A write
confirm-sales-order = Shall I place this order: { $quantity } × { $product } for customer { $customer }? Please answer yes or no.
confirm-sales-order-for-day = Shall I place this order: { $quantity } × { $product } for customer { $customer }, to be delivered on { $date }? Please answer yes or no.
confirm-case = Shall I open a case with our customer service saying "{ $description }"? Please answer yes or no.
confirm-case-of-order = Shall I open a case with our customer service about order { $order } saying "{ $description }"? Please answer yes or no.
confirm-callback = Shall I ask our colleagues to call you at { $phone }? Please answer yes or no.
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
order-item = • { $name }: { $quantity } { $unit }, { $delivered } { $unit } delivered
order-more-items = • and { $count } more items
order-delivery = Delivery of the rest: { $date }
order-delivery-open = Delivery: { $date }
order-amount = Amount: { $amount }
order-not-found = I could not find an order with number { $number }. Please check the number.

## A list of orders
list-head = The latest orders of the customer of order { $number }:
list-line = • { $number }, { $date }, { $progress }, { $amount }
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
stock-more = { $count } more products match; write a more exact name or code and I will look that one up.
stock-not-found = I could not find a product named or coded { $product }. Please check the name or code.

## When it does not work
failed-unavailable = I am sorry, the order system is not answering at the moment. Please ask again in a few minutes.
failed-slow = I am sorry, the order system did not answer in time. Please ask again a little later.
failed-busy = The order system is busy at the moment. Please ask again in a few minutes.
failed-misconfigured = I am sorry, I have no access to the order system at the moment. The fault is on our side and our colleagues have to mend it.
failed-unreadable = I am sorry, I could not make sense of the order system's answer, and I do not want to guess. Please ask again later.

## Units: the system's code, the name
-piece = pcs
-bag = bags
unit-ST = { -piece }
unit-PC = { -piece }
unit-EA = { -piece }
unit-BAG = { -bag }
unit-KG = kg
unit-G = g
unit-TO = t
unit-M = m
unit-M2 = m²
unit-M3 = m³
unit-L = l
unit-CAN = cans
unit-ROL = rolls
unit-SET = sets
unit-PKT = packs
unit-CAR = cartons

## Warehouses: the system's code, the name
-tehran = Tehran
-isfahan = Isfahan
-mashhad = Mashhad
plant-1010 = { -tehran }
plant-1020 = { -isfahan }
plant-1030 = { -mashhad }
plant-other = Warehouse { $code }
