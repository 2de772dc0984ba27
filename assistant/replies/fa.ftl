# پاسخ‌های فارسی. نام پیام‌ها را عوض نکنید؛ متن‌ها را آزادانه ویرایش کنید.

## پرسش
ask-order-number = لطفاً شماره‌ی سفارش را بفرمایید؛ مثلاً { $example }.
ask-product = موجودی کدام کالا را می‌خواهید؟ نام یا کد آن را بنویسید؛ مثلاً «سیمان» یا { $example }.
ask-phone = لطفاً شماره‌ی تلفن خود را بفرمایید.
ask-email = لطفاً نشانی ایمیل خود را بفرمایید.

## گفتگو
greeting = سلام، خوش آمدید! می‌توانم وضعیت سفارش، فهرست سفارش‌ها و موجودی کالا را برایتان بگویم.
farewell = خدانگهدار، روز خوبی داشته باشید.
thanks = خواهش می‌کنم. اگر کار دیگری بود، در خدمتم.
help =
    می‌توانید از من بپرسید:
    • سفارش { $order } کجاست؟
    • بقیه‌ی سفارش‌های مشتری سفارش { $order }
    • موجودی { $product } چقدر است؟
cancelled = باشه، کنار گذاشتم. اگر کار دیگری بود، بفرمایید.
out-of-scope = متأسفم، از عهده‌ی این یکی برنمی‌آیم. ولی می‌توانم بگویم سفارش شما کجاست، سفارش‌هایتان کدام‌اند و از هر کالا چقدر موجود است.

## سفارش
order-open = سفارش { $number } ثبت شده و هنوز چیزی از آن تحویل نشده است.
order-partly-delivered = بخشی از سفارش { $number } تحویل شده است.
order-delivered = سفارش { $number } به‌طور کامل تحویل شده است.
order-rejected = سفارش { $number } لغو شده است.
order-unknown = سفارش { $number } ثبت شده است، ولی از مرحله‌ی آن خبری ندارم.
order-item = • { $name }: { $quantity } { $unit }، { $delivered } { $unit } تحویل شده
order-more-items = • و { $count } قلم دیگر
order-delivery = تحویل باقی‌مانده: { $date }
order-delivery-open = تحویل: { $date }
order-amount = مبلغ: { $amount }
order-not-found = سفارشی با شماره‌ی { $number } پیدا نکردم. لطفاً شماره را یک بار دیگر نگاه کنید.

## فهرست سفارش‌ها
list-head = آخرین سفارش‌های مشتریِ سفارش { $number }:
list-line = • { $number }، { $date }، { $progress }، { $amount }
list-empty = برای مشتریِ سفارش { $number } سفارش دیگری پیدا نکردم.
progress-open = تحویل‌نشده
progress-partly-delivered = بخشی تحویل شده
progress-delivered = تحویل‌شده
progress-rejected = لغوشده
progress-unknown = مرحله نامعلوم

## موجودی
stock-head = موجودی { $name } ({ $product }):
stock-line = • { $plant }: { $quantity } { $unit }
stock-total = جمع: { $quantity } { $unit }
stock-none = { $name } ({ $product }) اکنون در هیچ انباری موجود نیست.
stock-more = { $count } کالای دیگر هم پیدا شد؛ نام یا کد دقیق‌تر بنویسید تا همان را بگویم.
stock-not-found = کالایی به نام یا کد { $product } پیدا نکردم. لطفاً نام یا کد را یک بار دیگر نگاه کنید.

## وقتی نمی‌شود
failed-unavailable = متأسفم، سامانه‌ی سفارش‌ها اکنون پاسخ نمی‌دهد. لطفاً چند دقیقه‌ی دیگر دوباره بپرسید.
failed-slow = متأسفم، سامانه‌ی سفارش‌ها به‌موقع پاسخ نداد. لطفاً کمی بعد دوباره بپرسید.
failed-busy = سامانه‌ی سفارش‌ها اکنون شلوغ است. لطفاً چند دقیقه‌ی دیگر دوباره بپرسید.
failed-misconfigured = متأسفم، اکنون به سامانه‌ی سفارش‌ها دسترسی ندارم. این ایراد از سمت ماست و باید همکارانمان برطرفش کنند.
failed-unreadable = متأسفم، پاسخ سامانه‌ی سفارش‌ها برایم خوانا نبود و نمی‌خواهم حدس بزنم. لطفاً بعداً دوباره بپرسید.

## واحدها: کد سامانه، نام
-piece = عدد
-bag = کیسه
unit-ST = { -piece }
unit-PC = { -piece }
unit-EA = { -piece }
unit-BAG = { -bag }
unit-KG = کیلوگرم
unit-G = گرم
unit-TO = تن
unit-M = متر
unit-M2 = متر مربع
unit-M3 = متر مکعب
unit-L = لیتر
unit-CAN = قوطی
unit-ROL = رول
unit-SET = دست
unit-PKT = بسته
unit-CAR = کارتن

## انبارها: کد سامانه، نام
-tehran = تهران
-isfahan = اصفهان
-mashhad = مشهد
plant-1010 = { -tehran }
plant-1020 = { -isfahan }
plant-1030 = { -mashhad }
plant-other = انبار { $code }
