//! Words that are in no name, so that one ends before them. It may not say what a name is.

/// Whether a word is in no name: an everyday word, a verb in «می» or «نمی», or a company.
pub(super) fn is(word: &str) -> bool {
    let verb = word.starts_with("نمی") && word.chars().count() > 4;
    verb || FA.split_whitespace().chain(EN.split_whitespace()).any(|one| one == word)
}

const FA: &str = "\
    برم دیگه باید برمیگردم منتظر منتظرم خسته مطمین مسیول مدیر اماده بیکار مشغول \
    است هست هستم هستش هستن ه ام بود و با از به در را \
    رو که برای واسه تا هم یا این ان اون من شما ما ایشون \
    زنگ تماس گفت گفتن خواست میخواد میخوام می نمی لطفا سلام بله نه اره \
    خیر چی کی کجا کجاست چرا چطور ثبت کن کنید کنین بزن بزنید بده \
    بدید بفرست بفرستید شد شده نام اسم عزیز محترم گرامی نیست نمیدونم لغو بیخیال \
    مرسی ممنون چیه چیست کیه کیست خودم خودت خودش خودمون بعدا فعلا الان میگم \
    بگم بگو نمیگم میخواهم صحبت حرف کردم کرد کردن کردیم زدم زد گفتم اومد \
    رفت بودم نبود هیچ هیچی هیچکس کسی مهم صبر باشه ندارم دارم شرکت موسسه \
    فروشگاه کارخانه کارخونه سازمان بانک خدا خداوند چیزی دیروز امروز فردا \
    ";

const EN: &str = "\
    raftam bye bayad beram khodafez there again everyone busy late sure wrong right sorry urgent waiting fine good done correct angry tired here ready \
    is are was and or the a an of from with for at in \
    on to i my me we you he she it not no yes please \
    thanks thank who what where when want wants would need needs called asked said \
    has had can will hi hello ok cancel hastam ast hast e o va \
    az dar ro baraye salam lotfan mikham mikhad mige zang goft bale na cheshm \
    number account later myself nobody none nothing anyone someone don dont know tell skip \
    company corporation bank store been have do did does be this that yesterday today \
    tomorrow delivery khodam badan migam nemikham nemigam begam chie chiye kie sherkat khoda sohbat \
    kardam \
    ";
